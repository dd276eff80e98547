import assert from "node:assert/strict";
import { mkdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { builtExecutable } from "../../kit/executable.ts";
import { need } from "../../kit/packages.ts";
import { removeTemp, tempDirectory } from "../../kit/temp.ts";

const limits = { skip: need("npm", "sh"), timeout: 60_000 };

test("It is built when it is missing or older than any source, and not otherwise.", limits, () => {
  const root = project("mkdir -p dist && echo built >> built && touch dist/porthop");
  const builds = () => readFileSync(join(root, "built"), "utf8").split("\n").length - 1;
  assert.equal(builtExecutable(root), join(root, "dist", "porthop"));
  assert.equal(builds(), 1);
  builtExecutable(root);
  assert.equal(builds(), 1);
  const later = Date.now() / 1000 + 5;
  const deep = join(root, "src", "flow", "conn.ts");
  utimesSync(deep, later, later);
  assert.throws(() => builtExecutable(root), /did not make .* anew/, "built again, but still older");
  assert.equal(builds(), 2);
  removeTemp(root);
});

test("A build that fails says what it said.", limits, () => {
  const root = project("echo no such luck >&2; exit 1");
  assert.throws(() => builtExecutable(root), /npm run build failed:[\s\S]*no such luck/);
  removeTemp(root);
});

/** A project whose sources are a minute old. */
function project(build: string): string {
  const root = tempDirectory("project");
  mkdirSync(join(root, "src", "flow"), { recursive: true });
  writeFileSync(join(root, "src", "flow", "conn.ts"), "");
  writeFileSync(join(root, "package.json"), JSON.stringify({ name: "project", scripts: { build } }));
  const earlier = Date.now() / 1000 - 60;
  for (const path of ["src/flow/conn.ts", "src/flow", "src", "package.json"]) {
    utimesSync(join(root, path), earlier, earlier);
  }
  return root;
}
