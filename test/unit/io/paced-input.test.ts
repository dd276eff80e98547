import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { PacedInput } from "../../../src/io/paced-input.ts";
import { quiet } from "../../kit/carried-flow.ts";

const text = async (read: Promise<Uint8Array | undefined>) => {
  const chunk = await read;
  return chunk === undefined ? undefined : Buffer.from(chunk).toString();
};

test("What was there before, what comes later, and the end are read in order.", async () => {
  const input = new PassThrough();
  input.write("early");
  const paced = new PacedInput(input);
  assert.equal(await text(paced.read()), "early");
  const waiting = text(paced.read());
  await quiet();
  input.write("late");
  assert.equal(await waiting, "late");
  input.end();
  assert.deepEqual([await paced.read(), await paced.read()], [undefined, undefined]);
});

test("What is not asked for stays where it is, and makes the writer wait.", async () => {
  const input = new PassThrough({ highWaterMark: 1000 });
  const paced = new PacedInput(input);
  let taken = 0;
  while (taken < 100 && input.write(Buffer.alloc(500))) {
    taken++;
    await quiet();
  }
  assert.ok(taken < 10, `${taken} writes were taken`);
  input.end();
  let bytes = 0;
  for (let chunk = await paced.read(); chunk !== undefined; chunk = await paced.read()) bytes += chunk.byteLength;
  assert.equal(bytes, (taken + 1) * 500);
});

test("A slow reader of stdin never pauses it: Bun's stdin may not come back from that, and its end would be lost.", async () => {
  const input = new PassThrough();
  let pauses = 0;
  input.on("pause", () => pauses++);
  const paced = new PacedInput(input);
  for (let count = 0; count < 20; count++) {
    input.write("x");
    await quiet();
    assert.equal(await text(paced.read()), "x");
  }
  input.end();
  assert.equal(await paced.read(), undefined);
  assert.equal(pauses, 0);
});

test("A stop is the end for whoever reads, and the rest stays in the stream.", async () => {
  const input = new PassThrough();
  const paced = new PacedInput(input);
  const waiting = paced.read();
  paced.stop();
  input.write("unwanted");
  assert.deepEqual([await waiting, await paced.read()], [undefined, undefined]);
  assert.deepEqual([input.readableLength, input.isPaused()], [8, true]);
});

test("A stream that breaks is at its end.", async () => {
  const input = new PassThrough();
  input.on("error", () => {});
  const paced = new PacedInput(input);
  const waiting = paced.read();
  input.destroy(new Error("EIO"));
  assert.equal(await waiting, undefined);
});
