import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, existsSync, openSync, readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { FifoReader, FifoWriter } from "../../../src/io/fifo-ends.ts";
import { randomChunks, Summing } from "../../kit/random.ts";
import { currentRuntime } from "../../kit/runtime.ts";
import { tempDirectory } from "../../kit/temp.ts";

const timeout = 30_000;
const skip = currentRuntime === "bun" && process.platform !== "win32" ? false : "only Bun has need of them";

/** A program between two FIFOs, and our ends of them. */
async function startBetween(command: string) {
  const folder = tempDirectory("fifo-ends");
  const [up, down] = [join(folder, "up"), join(folder, "down")] as const;
  assert.equal(spawnSync("mkfifo", [up, down]).status, 0);
  const holders = [up, down].map((path) => openSync(path, constants.O_RDWR | constants.O_NONBLOCK));
  const theirs = [openSync(up, constants.O_RDONLY), openSync(down, constants.O_WRONLY)] as const;
  const writer = new FifoWriter(openSync(up, constants.O_WRONLY | constants.O_NONBLOCK));
  const reader = await FifoReader.open(down);
  const child = spawn("/bin/sh", ["-c", `exec ${command}`], { stdio: [...theirs, "inherit"] });
  for (const descriptor of [...theirs, ...holders]) closeSync(descriptor);
  return { child, ended: once(child, "exit"), writer, reader, closed: () => untilClosed(folder) };
}

/** Resolves once this process has nothing open in the folder. Asks again and again: nobody tells. */
async function untilClosed(folder: string): Promise<void> {
  if (!existsSync("/proc/self/fd")) return;
  const deadline = performance.now() + 10_000;
  for (let open = held(folder); open.length > 0; open = held(folder)) {
    if (performance.now() > deadline) assert.deepEqual(open, []);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

function held(folder: string): string[] {
  return readdirSync("/proc/self/fd").filter((name) => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`).startsWith(folder);
    } catch {
      return false;
    }
  });
}

for (const [what, command, chunkBytes, bytes] of [
  ["Small pieces", "cat", 37, 200_000],
  ["Small pieces, to a program that reads slowly,", "dd bs=64 status=none", 3000, 1_000_000],
  ["Pieces larger than the FIFO", "cat", 150_001, 20_000_000],
] as const) {
  test(`${what} come out whole and in their order, and both ends end.`, { timeout, skip }, async () => {
    const { writer, reader, ended, closed } = await startBetween(command);
    const [sent, got] = [new Summing(), new Summing()];
    reader.on("data", (chunk: Uint8Array) => got.add(chunk));
    for (const chunk of randomChunks(bytes, 1, chunkBytes)) {
      sent.add(chunk);
      if (!writer.write(chunk)) await once(writer, "drain");
    }
    writer.end();
    await once(reader, "end");
    assert.deepEqual(got.sum(), sent.sum());
    assert.deepEqual(await ended, [0, null]);
    await closed();
  });
}

test("A program that reads nothing holds the writer up, and one that is not read is held up.", {
  timeout,
  skip,
}, async () => {
  const { child, ended, writer, reader, closed } = await startBetween("sh -c 'head -c 99999999 /dev/zero; sleep 99'");
  writer.on("error", () => {});
  let taken = false;
  const fits = writer.write(Buffer.alloc(10_000_000), () => {
    taken = true;
  });
  const [first] = (await once(reader, "data")) as [Uint8Array];
  reader.pause();
  assert.ok(first.byteLength > 0);
  assert.deepEqual([fits, taken, reader.readableLength < 1_000_000], [false, false, true]);
  child.kill("SIGKILL");
  await ended;
  // Also while something waits for room.
  writer.destroy();
  reader.destroy();
  await closed();
});

test("A program that closed its input is an error to whoever writes, be it a few bytes.", {
  timeout,
  skip,
}, async () => {
  const { child, ended, writer, reader, closed } = await startBetween("sh -c 'exec <&-; echo deaf; exec sleep 1000'");
  await once(reader, "data");
  const failed = once(writer, "error");
  writer.write("hello");
  assert.equal(((await failed)[0] as NodeJS.ErrnoException).code, "EPIPE");
  const over = once(reader, "end");
  child.kill();
  await Promise.all([ended, over]);
  await closed();
});

test("One that ended without reading or writing is an end to the reader.", { timeout, skip }, async () => {
  const { ended, writer, reader, closed } = await startBetween("true");
  await ended;
  reader.resume();
  await once(reader, "end");
  writer.destroy();
  await closed();
});

test("A reader of what is no FIFO and not there says so.", { timeout, skip }, async () => {
  const reading = FifoReader.open("/no/such/fifo").then((reader) => {
    reader.resume();
    return once(reader, "end");
  });
  await assert.rejects(reading);
});
