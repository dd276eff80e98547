import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { readBounded } from "../../../src/ssh/bounded-file.ts";
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

function file(content: string | Uint8Array): string {
  const path = join(folder, `file-${++files}`);
  writeFileSync(path, content);
  return path;
}
let files = 0;

test("A file is read whole, be it empty, small or larger than what is read at once.", async () => {
  for (const content of ["", "a", "é漢🚢\n".repeat(50_000)])
    assert.equal(await read(file(content), 10_000_000), content);
});

test("A character that falls between two pieces is read whole.", async () => {
  const content = `${"x".repeat(65_535)}é${"y".repeat(70_000)}`;
  assert.equal(await read(file(content), 10_000_000), content);
});

test("A file of the most bytes that it may have is read, one of more is refused.", async () => {
  const path = file("x".repeat(100_000));
  assert.equal((await read(path, 100_000)).length, 100_000);
  await assert.rejects(read(path, 99_999), /^Error: it is larger than 99999 bytes$/);
});

test("A device that never ends is given up.", { timeout: 20_000 }, async () => {
  await assert.rejects(read("/dev/zero", 1_000_000), /larger than 1000000 bytes/);
  assert.equal(await read("/dev/null", 10), "");
});
