import assert from "node:assert/strict";
import { test } from "node:test";
import { type Pace, paced } from "../../../../plugins/capture/pacing.ts";

const three = [Buffer.from("one"), Buffer.from("two"), Buffer.from("three")];
const noWait: Pace = { relief: () => undefined };

/** A source that counts what was asked of it, and whether it was told to stop. */
function source() {
  const seen = { asked: 0, stopped: false };
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      for (const chunk of three) {
        seen.asked += 1;
        yield chunk;
      }
    } finally {
      seen.stopped = true;
    }
  }
  return { seen, chunks: chunks() };
}

test("Chunks come through as they are, and in order.", async () => {
  const passed: Uint8Array[] = [];
  for await (const chunk of paced(source().chunks, noWait)) passed.push(chunk);
  assert.equal(passed.length, 3);
  assert.ok(passed.every((chunk, index) => chunk === three[index]));
});

test("While the disk is behind, nothing is asked of the source.", async () => {
  let go = () => {};
  let waiting: Promise<void> | undefined;
  const { seen, chunks } = source();
  const stage = paced(chunks, { relief: () => waiting })[Symbol.asyncIterator]();
  await stage.next();
  waiting = new Promise((resolve) => {
    go = resolve;
  });
  const second = stage.next();
  for (let turns = 0; turns < 5; turns += 1) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(seen.asked, 1);
  go();
  assert.equal((await second).value, three[1]);
});

test("A reader that wants no more stops the source, and an error of the source is the reader's.", async () => {
  const { seen, chunks } = source();
  for await (const _chunk of paced(chunks, noWait)) break;
  assert.deepEqual(seen, { asked: 1, stopped: true });
  const broken = (async function* () {
    yield three[0] ?? assert.fail();
    throw new Error("reset");
  })();
  const stage = paced(broken, noWait)[Symbol.asyncIterator]();
  await stage.next();
  await assert.rejects(stage.next(), /reset/);
});
