import assert from "node:assert/strict";
import { test } from "node:test";
import { openLent } from "../../../src/io/lent-file.ts";

test("A file is opened for reading, and one that is missing is an error as ever.", async () => {
  const file = await openLent("package.json");
  const { bytesRead } = await file.read(Buffer.alloc(10), 0, 10, 0);
  await file.close();
  assert.equal(bytesRead, 10);
  await assert.rejects(openLent("no-such-file"), { code: "ENOENT" });
});
