import assert from "node:assert/strict";
import { openSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
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
  for (let count = 0; count < megabytes; count++) writer.add([megabyte]);
}

test("Blocks come out whole and in order, whatever the sizes of their pieces and whenever they are added.", async () => {
  // Around the borders: what is gathered, how much is gathered together, and what is written from where it lies.
  const sizes = fc.oneof(
    fc.integer({ min: 0, max: 300 }),
    fc.constantFrom(2047, 2048, 2049, 65_000, 65_535, 65_536, 65_537),
  );
  const blocks = fc.array(fc.record({ pieces: fc.array(sizes, { maxLength: 6 }), pause: fc.boolean() }), {
    maxLength: 60,
  });
  const source = randomBytes(1 << 20);
  await fc.assert(
    fc.asyncProperty(blocks, async (script) => {
      const { path, writer, failures } = writerTo();
      const expected: Uint8Array[] = [];
      let seed = 0;
      for (const { pieces, pause } of script) {
        const block = pieces.map((size) => {
          seed += 7919;
          return source.subarray(seed % 500_000, (seed % 500_000) + size);
        });
        writer.add(block);
        expected.push(...block);
        if (pause) await turn();
      }
      await writer.close();
      assert.deepEqual([Buffer.compare(readFileSync(path), Buffer.concat(expected)), failures], [0, []]);
    }),
    { numRuns: 60 },
  );
});

test("More small pieces than the arena holds, and more large ones than one writev takes, lose nothing.", async () => {
  const { path, writer } = writerTo();
  const source = randomBytes(6_000_000);
  const small: Uint8Array[] = [];
  for (let at = 0; at < 1_000_000; at += 100) small.push(source.subarray(at, at + 100));
  for (const piece of small) writer.add([piece]);
  const large: Uint8Array[] = [];
  for (let at = 1_000_000; at < 6_000_000; at += 2048) large.push(source.subarray(at, at + 2048));
  assert.ok(large.length > 2048);
  writer.add(large);
  await writer.close();
  assert.equal(Buffer.compare(readFileSync(path), source), 0);
});

test("Small pieces are copied at once: their memory may be used again.", async () => {
  const { path, writer } = writerTo();
  const head = Buffer.from("first ");
  writer.add([head]);
  head.write("second");
  writer.add([head]);
  await writer.close();
  assert.equal(readFileSync(path, "utf8"), "first second");
});

test("It writes by itself, without being closed.", { timeout: 10_000 }, async () => {
  const { path, writer } = writerTo();
  writer.add([Buffer.from("a block")]);
  while (statSync(path).size < 7) await turn();
  writer.add([Buffer.from(", and another")]);
  while (statSync(path).size < 20) await turn();
  await writer.close();
  assert.equal(readFileSync(path, "utf8"), "a block, and another");
});

test("An empty block does not keep those after it from being written.", { timeout: 10_000 }, async () => {
  const { path, writer } = writerTo();
  writer.add([]);
  writer.add([new Uint8Array(0)]);
  await turn();
  await turn();
  writer.add([Buffer.from("block")]);
  while (statSync(path).size < 5) await turn();
  await writer.close();
});

test("What is added after the close goes nowhere, and closing an unused writer is fine.", async () => {
  const { path, writer, failures } = writerTo();
  await writer.close();
  writer.add([Buffer.from("late")]);
  for (let turns = 0; turns < 5; turns++) await turn();
  assert.deepEqual([statSync(path).size, failures], [0, []]);
});

test("A file that takes no more is told of once, with the reason, and what comes later is let go.", full, async () => {
  const { writer, failures } = writerTo("/dev/full");
  writer.add([Buffer.from("block")]);
  while (!writer.failed) await turn();
  fill(writer, 80);
  assert.deepEqual([writer.full, writer.overfull, writer.relief()], [false, false, undefined]);
  await writer.close();
  assert.deepEqual(
    failures.map((error) => (error as { code?: string }).code),
    ["ENOSPC"],
  );
});

test("A file that fails while it is being closed is told of too.", full, async () => {
  const { writer, failures } = writerTo("/dev/full");
  writer.add([Buffer.from("block")]);
  await writer.close();
  assert.deepEqual([failures.length, writer.failed], [1, true]);
});

test("Who waits for a disk that then fails goes on at once.", full, async () => {
  const { writer } = writerTo("/dev/full");
  fill(writer, 17);
  await writer.relief();
  assert.equal(writer.failed, true, "it was the failure that ended the wait");
  await writer.close();
});

test("While the disk keeps up nobody is asked to wait.", async () => {
  const { writer } = writerTo();
  fill(writer, 15);
  assert.equal(writer.relief(), undefined);
  await writer.close();
  assert.equal(writer.relief(), undefined);
});
