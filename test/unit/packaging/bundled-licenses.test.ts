import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { bundledLicenses } from "../../../src/packaging/bundled-licenses.ts";
import { projectRoot } from "../../kit/runtime.ts";

test("As source it is porthop's own licence, and where those of the packages are.", () => {
  const text = bundledLicenses();
  assert.ok(text.startsWith(readFileSync(join(projectRoot, "LICENSE"), "utf8").trimEnd()));
  assert.match(text, /runs from its source[\s\S]*node_modules/);
});
