import assert from "node:assert/strict";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { writePatiently } from "../../../../plugins/capture/patient-write.ts";
import { randomBytes } from "../../../kit/random.ts";
import { removeTemp, tempDirectory } from "../../../kit/temp.ts";

const folder = tempDirectory("patient-write");
after(() => removeTemp(folder));

test("The first bytes are written, behind those that were written before, and counted.", async () => {
  const path = join(folder, "file");
  const fd = openSync(path, "w");
  const source = randomBytes(300_000);
  let taken = 0;
  for (const [from, count] of [
    [0, 200_000],
    [200_000, 50_000],
  ] as const) {
    await writePatiently(fd, source.subarray(from), count, (bytes) => {
      taken += bytes;
    });
  }
  closeSync(fd);
  assert.equal(taken, 250_000);
  assert.equal(Buffer.compare(readFileSync(path), source.subarray(0, 250_000)), 0);
});

test("Nothing to write is no write.", async () => {
  await writePatiently(-1, new Uint8Array(10), 0, () => assert.fail("nothing was taken"));
});

test("A file that takes nothing is an error with its reason.", async () => {
  const fd = openSync(folder, "r");
  await assert.rejects(
    writePatiently(fd, new Uint8Array(10), 10, () => {}),
    { code: "EBADF" },
  );
  closeSync(fd);
});
