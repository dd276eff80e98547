import assert from "node:assert/strict";
import { test } from "node:test";
import { MadeUpEnd } from "../../../src/plugin-kit/made-up-end.ts";
import { broken, stateOf } from "../../kit/carried-flow.ts";

const text = (chunk: Uint8Array | undefined) => (chunk === undefined ? undefined : Buffer.from(chunk).toString());

test("It says its chunks and texts one after the other, then ends; what it hears it keeps.", async () => {
  const chunk = Uint8Array.of(0x61);
  const end = new MadeUpEnd([chunk, "é"]);
  assert.equal(await end.read(), chunk);
  assert.equal(text(await end.read()), "é");
  assert.deepEqual([await end.read(), await end.read()], [undefined, undefined]);
  await end.write(chunk);
  await end.end();
  assert.equal(end.heard[0], chunk);
});

test("What a generator says comes when that says so, and a break reaches who waits for it.", async () => {
  const end = new MadeUpEnd(
    (async function* () {
      yield "now";
      await new Promise(() => {});
    })(),
  );
  assert.equal(text(await end.read()), "now");
  const reading = end.read();
  assert.equal(await stateOf(reading), "pending");
  const reason = broken(1);
  const told: unknown[] = [];
  end.onBroken((why) => told.push(why));
  end.abort(reason);
  end.abort(broken(3));
  end.onBroken((why) => told.push(why));
  assert.deepEqual(told, [reason, reason]);
  for (const refused of [reading, end.read(), end.write(new Uint8Array(1)), end.end()]) {
    await assert.rejects(refused, (error) => error === reason);
  }
  assert.deepEqual(end.heard, []);
});

test("One that breaks does so in place of its end.", async () => {
  const reason = broken(3);
  const end = new MadeUpEnd(["last words"], reason);
  assert.equal(text(await end.read()), "last words");
  await assert.rejects(end.read(), (error) => error === reason);
});
