import assert from "node:assert/strict";
import { openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { BlockWriter } from "../../../../plugins/capture/block-writer.ts";
import { SlowDisk, tinyDisk } from "../../../kit/disk.ts";
import { need } from "../../../kit/packages.ts";
import { randomBytes } from "../../../kit/random.ts";
import { currentRuntime } from "../../../kit/runtime.ts";
import { removeTemp, tempDirectory } from "../../../kit/temp.ts";

const folder = tempDirectory("block-writer");
after(() => removeTemp(folder));

/** Deno's fs.write does its work before it returns: one that a disk does not take stops the whole program, this test too. */
const slow = { skip: currentRuntime === "deno" ? "Deno writes synchronously" : need("mkfifo"), timeout: 60_000 };
const megabyte = new Uint8Array(1024 * 1024).fill(7);

let files = 0;

/** A writer to a fresh file, and what it told. */
function writerTo(path = join(folder, String(++files))) {
  const failures: unknown[] = [];
  const writer = new BlockWriter(openSync(path, "w"), { failed: (error) => failures.push(error) });
  return { path, writer, failures };
}

function writerOn(disk: SlowDisk) {
  const failures: unknown[] = [];
  return { writer: new BlockWriter(disk.fd, { failed: (error) => failures.push(error) }), failures };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Adds so many megabytes. */
function fill(writer: BlockWriter, megabytes: number): void {
  for (let count = 0; count < megabytes; count++) writer.add(megabyte);
}

test("What is added while the close is under way does not keep it from ending.", slow, async () => {
  using disk = new SlowDisk();
  const { writer } = writerOn(disk);
  fill(writer, 2);
  const closing = writer.close();
  writer.add(Buffer.from("late"));
  const written = await disk.takeUntil(closing);
  assert.equal(written.byteLength, 2 * megabyte.byteLength);
});

test("A disk that takes a little at a time gets everything in order.", slow, async () => {
  using disk = new SlowDisk();
  const { writer, failures } = writerOn(disk);
  const source = randomBytes(3_000_000);
  for (let at = 0; at < source.length; at += 100_000) writer.add(source.subarray(at, at + 100_000));
  const written = await disk.takeUntil(writer.close());
  assert.deepEqual([Buffer.compare(written, source), failures], [0, []]);
});

test("A pipe that takes a part and then says EAGAIN gets the rest when it is read again.", slow, async () => {
  using disk = new SlowDisk({ blocking: false });
  const { writer, failures } = writerOn(disk);
  const source = randomBytes(1_500_000);
  for (let at = 0; at < source.length; at += 30_000) writer.add(source.subarray(at, at + 30_000));
  const first = await disk.take(1);
  // Some turns in which nobody reads, so that it finds the pipe full.
  for (let turns = 0; turns < 300; turns++) await turn();
  const written = Buffer.concat([first, await disk.takeUntil(writer.close())]);
  assert.deepEqual([Buffer.compare(written, source), failures], [0, []]);
});

for (const blocking of [true, false]) {
  test(`A reader that stands still does not keep the end waiting (blocking: ${blocking}).`, slow, async () => {
    using disk = new SlowDisk({ blocking });
    const { writer, failures } = writerOn(disk);
    fill(writer, 2);
    await writer.close(50);
    assert.deepEqual(
      failures.map((error) => (error as { code?: string }).code),
      ["ETIMEDOUT"],
    );
  });
}

test("A reader that is slow, and not still, gets all at the end.", slow, async () => {
  using disk = new SlowDisk({ blocking: false });
  const { writer, failures } = writerOn(disk);
  const source = randomBytes(600_000);
  writer.add(source);
  const closed = writer.close(1000);
  const first: Uint8Array[] = [];
  // Each piece comes well within the time, and all of them together do not.
  for (let piece = 0; piece < 6; piece++) {
    await new Promise((resolve) => setTimeout(resolve, 250));
    first.push(await disk.take(60_000));
  }
  const written = Buffer.concat([...first, await disk.takeUntil(closed)]);
  assert.deepEqual([Buffer.compare(written, source), failures], [0, []]);
});

test("When the disk is full, the file is cut back to whole blocks before it is closed.", {
  timeout: 30_000,
}, async (context) => {
  using disk = tinyDisk(2);
  if (disk.path === undefined) return context.skip("needs to mount a tmpfs");
  const { path, writer, failures } = writerTo(join(disk.path, "file"));
  const blockBytes = 300_000;
  for (let number = 1; number <= 20; number++) writer.add(new Uint8Array(blockBytes).fill(number));
  await writer.close();
  assert.equal((failures[0] as { code?: string }).code, "ENOSPC");
  const file = readFileSync(path);
  assert.ok(file.length >= blockBytes, "what was written before stays");
  assert.equal(file.length % blockBytes, 0, `${file.length} bytes are no whole blocks`);
  for (let at = 0; at < file.length; at += blockBytes) {
    assert.equal(file[at], file[at + blockBytes - 1], "no block is torn");
  }
});

test(
  "Above 8 MiB flows wait until the disk has caught up, which may be well before their patience ends.",
  slow,
  async () => {
    using disk = new SlowDisk();
    const { writer } = writerOn(disk);
    fill(writer, 9);
    await turn();
    // A machine that stands still for a quarter of a second may spoil one attempt, not five.
    for (let attempt = 1; ; attempt++) {
      const start = performance.now();
      const relief = writer.relief();
      assert.ok(relief !== undefined, "it is behind");
      await disk.take(2 * megabyte.byteLength + 1);
      await relief;
      if (performance.now() - start < 200) break;
      assert.ok(attempt < 5, "the wait ended by patience alone");
      fill(writer, 2);
      await turn();
    }
    await disk.takeUntil(writer.close());
  },
);

test("A disk that does not move at all costs patience once, not once for each chunk.", slow, async () => {
  using disk = new SlowDisk();
  const { writer } = writerOn(disk);
  fill(writer, 9);
  const start = performance.now();
  const waits = [writer.relief(), writer.relief()];
  assert.ok(waits.every((wait) => wait !== undefined));
  await Promise.all(waits);
  assert.ok(performance.now() - start >= 240, "patience lasted");
  assert.equal(writer.relief(), undefined, "the disk still does not move");
  fill(writer, 3);
  // It moves again, so it is worth waiting for again.
  await disk.take(megabyte.byteLength + 1);
  let again = writer.relief();
  while (again === undefined) {
    await turn();
    again = writer.relief();
  }
  await disk.takeUntil(writer.close());
  await again;
});

test(
  "At 32 MiB it is full for payload, at 40 MiB for everything, and it has room again once the disk moved.",
  slow,
  async () => {
    using disk = new SlowDisk();
    const { writer } = writerOn(disk);
    fill(writer, 31);
    assert.deepEqual([writer.full, writer.overfull], [false, false]);
    fill(writer, 1);
    assert.deepEqual([writer.full, writer.overfull], [true, false]);
    fill(writer, 8);
    assert.deepEqual([writer.full, writer.overfull], [true, true]);
    // One is on its way to the disk and counts until it is there.
    await disk.take(9 * megabyte.byteLength + 1);
    while (writer.full) await turn();
    assert.equal(writer.overfull, false);
    const rest = await disk.takeUntil(writer.close());
    assert.equal(rest.byteLength, 31 * megabyte.byteLength - 1);
  },
);
