import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isShortage, openFile } from "../../../src/io/open-file.ts";
import { tempDirectory } from "../../kit/temp.ts";

test("A file is opened for reading, and one that is not there is told as such.", async () => {
  const path = join(tempDirectory("open-file"), "there");
  writeFileSync(path, "content");
  const file = await openFile(path);
  assert.equal(String(await file.readFile()), "content");
  await assert.rejects(file.write("more"));
  await file.close();
  await assert.rejects(openFile(`${path}-not`), { code: "ENOENT" });
});

test("A shortage is the system's or this process's, and nothing else.", () => {
  const coded = (code: string) => Object.assign(new Error(code), { code });
  assert.deepEqual(
    ["EMFILE", "ENFILE", "EACCES"].map((code) => isShortage(coded(code))),
    [true, true, false],
  );
  assert.equal(isShortage(undefined), false);
});
