import assert from "node:assert/strict";
import { existsSync, realpathSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { removeTemp, tempDirectory } from "../../kit/temp.ts";

test("A temporary directory is fresh, private and free of links.", () => {
  const one = tempDirectory("kit");
  const two = tempDirectory("kit");
  assert.notEqual(one, two);
  assert.equal(statSync(one).mode & 0o777, 0o700);
  assert.equal(realpathSync(one), one);
  removeTemp(one);
  removeTemp(two);
});

test("It is removed with all that is in it, once.", () => {
  const directory = tempDirectory("kit");
  writeFileSync(join(directory, "file"), "");
  removeTemp(directory);
  assert.equal(existsSync(directory), false);
  assert.throws(() => removeTemp(directory), /not a directory of tempDirectory/);
});

test("Nothing else can be removed by mistake.", () => {
  assert.throws(() => removeTemp(import.meta.dirname), /not a directory of tempDirectory/);
  assert.ok(existsSync(import.meta.dirname));
});
