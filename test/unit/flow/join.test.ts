import assert from "node:assert/strict";
import { test } from "node:test";
import { PorthopError } from "../../../src/errors.ts";
import { join } from "../../../src/flow/join.ts";
import { connPair, readAll, writeAll } from "../../kit/memory-conn.ts";
import { randomBytes } from "../../kit/random.ts";

function joined(capacityBytes = 1000) {
  const [near, nearJoined] = connPair({ capacityBytes });
  const [far, farJoined] = connPair({ capacityBytes });
  return { near, far, done: join(nearJoined, farJoined) };
}

test("What one side writes the other reads, both ways at the same time.", async () => {
  const { near, far, done } = joined();
  const [up, down] = [randomBytes(50_000, 1), randomBytes(50_000, 2)];
  const written = Promise.all([writeAll(near, pieces(up)), writeAll(far, pieces(down))]);
  const read = await Promise.all([readAll(far), readAll(near)]);
  await Promise.all([written, done]);
  assert.deepEqual(
    read.map((each) => Buffer.from(each)),
    [Buffer.from(up), Buffer.from(down)],
  );
});

test("The end of one half leaves the other open.", async () => {
  const { near, far, done } = joined();
  await near.end();
  assert.equal(await far.read(), undefined);
  await far.write(Buffer.from("still here"));
  assert.equal(String(await near.read()), "still here");
  await far.end();
  await done;
  assert.deepEqual([near.aborted, far.aborted], [undefined, undefined]);
});

for (const side of ["near", "far"] as const) {
  test(`A break of the ${side} side breaks the other, also when nothing is read there.`, async () => {
    const pair = joined();
    const other = side === "near" ? pair.far : pair.near;
    pair[side].abort(new PorthopError("target.unreachable", "it broke"));
    await pair.done;
    assert.equal(other.aborted?.message, "it broke");
  });
}

for (const side of ["near", "far"] as const) {
  test(`When the ${side} side has gone, the other gets all that it said, and is closed.`, async () => {
    const pair = joined();
    const other = side === "near" ? pair.far : pair.near;
    const written = writeAll(pair[side], pieces(randomBytes(5000, 1)));
    await pair[side].write(new Uint8Array(0));
    pair[side].leave(new PorthopError("target.unreachable", "it has gone"));
    await other.write(Buffer.from("nobody hears this"));
    assert.ok((await readAll(other)).length > 0);
    await pair.done;
    await written.catch(() => {});
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([other.aborted, other.isCut], [undefined, true]);
  });
}

test("A reader that stalls stalls the writer.", async () => {
  const { near, far, done } = joined(100);
  let isWritten = false;
  const written = writeAll(near, pieces(randomBytes(10_000))).then(() => {
    isWritten = true;
  });
  assert.equal((await far.read()) === undefined, false);
  assert.equal(isWritten, false);
  await readAll(far);
  await written;
  await far.end();
  await done;
});

function* pieces(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 100) yield bytes.subarray(at, at + 100);
}
