import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { readBounded } from "../../../src/ssh/bounded-file.ts";
import { need } from "../../kit/packages.ts";
import { removeTemp, tempDirectory } from "../../kit/temp.ts";

const folder = tempDirectory("bounded-file");
after(() => removeTemp(folder));

async function read(path: string, maxBytes: number): Promise<string> {
  const file = await open(path, "r");
  try {
    return await readBounded(file, maxBytes);
  } finally {
    await file.close();
  }
}

test("A pipe, whose size nobody knows before, is read to its end.", {
  skip: need("mkfifo"),
  timeout: 20_000,
}, async () => {
  const path = join(folder, "fifo");
  assert.equal(spawnSync("mkfifo", [path]).status, 0);
  const reading = read(path, 1_000_000);
  const writer = await open(path, "w");
  await writer.write("through ");
  await writer.write("the pipe");
  await writer.close();
  assert.equal(await reading, "through the pipe");
});
