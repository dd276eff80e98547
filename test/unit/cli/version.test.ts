import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { version, versionLine } from "../../../src/cli/version.ts";
import { currentRuntime, projectRoot } from "../../kit/runtime.ts";

test("The version is the package's.", () => {
  const manifest = JSON.parse(readFileSync(join(projectRoot, "package.json"), "utf8")) as { version: string };
  assert.equal(version, manifest.version);
});

test("The version line names the runtime that runs it, with its version, and the platform.", () => {
  const runtime = `${currentRuntime} ${process.versions[currentRuntime]}`;
  assert.equal(versionLine(), `porthop ${version} (${runtime}, ${process.platform}-${process.arch})`);
});
