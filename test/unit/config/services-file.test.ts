import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { readServicesFile } from "../../../src/config/services-file.ts";
import { removeTemp, tempDirectory } from "../../kit/temp.ts";

const folder = tempDirectory("services");
after(() => removeTemp(folder));

test("The table is read as a whole, up to a bound; a folder or a missing file is no table.", () => {
  const file = join(folder, "services");
  writeFileSync(file, "http 80/tcp\n");
  assert.equal(readServicesFile(file), "http 80/tcp\n");
  writeFileSync(file, "x".repeat(5 * 1024 * 1024));
  assert.equal(readServicesFile(file)?.length, 4 * 1024 * 1024);
  mkdirSync(join(folder, "folder"));
  assert.equal(readServicesFile(join(folder, "folder")), undefined);
  assert.equal(readServicesFile(join(folder, "none")), undefined);
});
