import assert from "node:assert/strict";
import { openSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { sheetBytes } from "../../../../plugins/capture/block-memory.ts";
import { BlockWriter } from "../../../../plugins/capture/block-writer.ts";
import { randomBytes } from "../../../kit/random.ts";
import { removeTemp, tempDirectory } from "../../../kit/temp.ts";

const folder = tempDirectory("block-writer");
after(() => removeTemp(folder));

/** A write to /dev/full fails with ENOSPC; only Linux has it. */
const full = { skip: process.platform !== "linux" && "needs /dev/full", timeout: 10_000 };

const megabyte = new Uint8Array(1024 * 1024).fill(7);

let files = 0;

/** A writer to a fresh file, and what it told. */
function writerTo(path = join(folder, String(++files))) {
  const failures: unknown[] = [];
  const writer = new BlockWriter(openSync(path, "w"), { failed: (error) => failures.push(error) });
  return { path, writer, failures };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Adds so many megabytes. */
function fill(writer: BlockWriter, megabytes: number): void {
  for (let count = 0; count < megabytes; count++) writer.add(megabyte);
}

test("Blocks come out whole and in order, whatever their sizes and whenever they are added.", async () => {
  // Around the borders of the memory that is written at once.
  const sizes = fc.oneof(
    fc.integer({ min: 0, max: 300 }),
    fc.constantFrom(65_000, sheetBytes / 2, sheetBytes - 1, sheetBytes, sheetBytes + 1),
  );
  const blocks = fc.array(fc.record({ size: sizes, pause: fc.boolean(), inPlace: fc.boolean() }), { maxLength: 40 });
  const source = randomBytes(3 * sheetBytes);
  await fc.assert(
    fc.asyncProperty(blocks, async (script) => {
      const { path, writer, failures } = writerTo();
      const expected: Uint8Array[] = [];
      let seed = 0;
      for (const { size, pause, inPlace } of script) {
        seed += 7919;
        const block = source.subarray(seed % 500_000, (seed % 500_000) + size);
        if (inPlace) {
          const at = writer.reserve(size);
          writer.bytes.set(block, at);
        } else {
          writer.add(block);
        }
        expected.push(block);
        if (pause) await turn();
      }
      await writer.close();
      assert.deepEqual([Buffer.compare(readFileSync(path), Buffer.concat(expected)), failures], [0, []]);
    }),
    { numRuns: 60 },
  );
});

test("Ten thousand small blocks lose nothing.", async () => {
  const { path, writer } = writerTo();
  const source = randomBytes(1_000_000);
  for (let at = 0; at < source.length; at += 100) writer.add(source.subarray(at, at + 100));
  await writer.close();
  assert.equal(Buffer.compare(readFileSync(path), source), 0);
});

test("Blocks are copied at once: their memory may be used again.", async () => {
  const { path, writer } = writerTo();
  const block = Buffer.alloc(100_000, "a");
  writer.add(block);
  block.fill("b");
  writer.add(block);
  await writer.close();
  assert.equal(readFileSync(path, "utf8"), "a".repeat(100_000) + "b".repeat(100_000));
});

test("It writes by itself, without being closed.", { timeout: 10_000 }, async () => {
  const { path, writer } = writerTo();
  writer.add(Buffer.from("a block"));
  while (statSync(path).size < 7) await turn();
  writer.add(Buffer.from(", and another"));
  while (statSync(path).size < 20) await turn();
  await writer.close();
  assert.equal(readFileSync(path, "utf8"), "a block, and another");
});

test("An empty block does not keep those after it from being written.", { timeout: 10_000 }, async () => {
  const { path, writer } = writerTo();
  writer.add(new Uint8Array(0));
  await turn();
  await turn();
  writer.add(Buffer.from("block"));
  while (statSync(path).size < 5) await turn();
  await writer.close();
});

test("What is added after the close goes nowhere, and closing an unused writer is fine.", async () => {
  const { path, writer, failures } = writerTo();
  await writer.close();
  writer.add(Buffer.from("late"));
  for (let turns = 0; turns < 5; turns++) await turn();
  assert.deepEqual([statSync(path).size, failures], [0, []]);
});

test("A file that takes no more is told of once, with the reason, and what comes later is let go.", full, async () => {
  const { writer, failures } = writerTo("/dev/full");
  writer.add(Buffer.from("block"));
  while (!writer.failed) await turn();
  fill(writer, 40);
  assert.deepEqual([writer.full, writer.overfull, writer.relief()], [false, false, undefined]);
  await writer.close();
  assert.deepEqual(
    failures.map((error) => (error as { code?: string }).code),
    ["ENOSPC"],
  );
});

test("A file that fails while it is being closed is told of too.", full, async () => {
  const { writer, failures } = writerTo("/dev/full");
  writer.add(Buffer.from("block"));
  await writer.close();
  assert.deepEqual([failures.length, writer.failed], [1, true]);
});

test("Who waits for a disk that then fails goes on at once.", full, async () => {
  const { writer } = writerTo("/dev/full");
  fill(writer, 9);
  await writer.relief();
  assert.equal(writer.failed, true, "it was the failure that ended the wait");
  await writer.close();
});

test("While the disk keeps up nobody is asked to wait.", async () => {
  const { writer } = writerTo();
  fill(writer, 7);
  assert.equal(writer.relief(), undefined);
  await writer.close();
  assert.equal(writer.relief(), undefined);
});
