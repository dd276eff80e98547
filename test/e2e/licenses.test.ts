/** `porthop --licenses`: each package that has a file in the executable is named there, with its own text. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { test } from "node:test";
import { bundleInputs } from "../kit/bundle.ts";
import { builtExecutable } from "../kit/executable.ts";
import { need } from "../kit/packages.ts";
import { type PorthopOptions, porthop } from "../kit/porthop.ts";
import { run } from "../kit/run.ts";
import { projectRoot } from "../kit/runtime.ts";

const executable = builtExecutable();
const limits = { timeout: 60_000 };

async function licenses(options: PorthopOptions = {}): Promise<string> {
  await using program = porthop(["--licenses"], options);
  const { code, stdout, stderr } = await program.exit;
  assert.deepEqual([code, stderr], [0, ""]);
  return stdout;
}

/** Name and version of each package in the bundle, and the licence file in its folder. */
async function packages(): Promise<readonly { readonly title: string; readonly text: string }[]> {
  const folders = (await bundleInputs()).flatMap(({ file }) => {
    const [folder] = /^.*\bnode_modules\/(?:@[^/]+\/)?[^/]+/.exec(file) ?? [];
    return folder === undefined ? [] : [resolve(projectRoot, folder)];
  });
  return [...new Set(folders)].map((folder) => {
    const { name, version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
    assert.ok(file !== undefined, `${name} has a licence file`);
    return { title: `${name} ${version}`, text: readFileSync(join(folder, file), "utf8").trim() };
  });
}

test("Every package in the executable is named, with its version and the whole text.", limits, async () => {
  const told = await licenses();
  const bundled = await packages();
  assert.ok(bundled.length >= 10 && bundled.some(({ title }) => title.startsWith("ssh2 ")), "the list was read");
  for (const { title, text } of bundled) {
    assert.match(told, new RegExp(`^  ${title.replaceAll(".", "\\.")}, \\S`, "m"));
    const [, after = ""] = told.split(`\n\n${title}, `);
    assert.ok(after.includes(`\n\n${text}\n`), title);
  }
});

test("porthop's own licence comes first, and the runtime's with what it links last.", limits, async () => {
  const told = await licenses();
  const own = readFileSync(join(projectRoot, "LICENSE"), "utf8").trim();
  assert.ok(told.indexOf(own) > 0 && told.indexOf(own) < told.indexOf("\n\nssh2 "));
  const [, runtime = ""] = told.split(`\n\nBun ${process.versions["bun"]}, MIT\n`);
  for (const linked of ["JavaScriptCore", "LGPL-2", "boringssl", "libicu"]) assert.ok(runtime.includes(linked), linked);
});

test("The same text lies beside the executable, for packages.", limits, async () => {
  assert.equal(readFileSync(join(dirname(executable), "LICENSES.txt"), "utf8"), await licenses());
});

test("A reader that has seen enough is no error.", { ...limits, skip: need("bash") }, async () => {
  const script = 'set -o pipefail; "$0" --licenses | head -n 1';
  const { code, stdout, stderr } = await run("bash", ["-c", script, executable]);
  assert.deepEqual([code, stdout.split("\n").length, stderr], [0, 2, ""]);
});

for (const runtime of ["bun", "deno"] as const) {
  test(`As source, on ${runtime}, it says where the licences are.`, limits, async () => {
    const told = await licenses({ runtime });
    assert.ok(told.startsWith(readFileSync(join(projectRoot, "LICENSE"), "utf8").trim()));
    assert.match(told, /runs from its source[\s\S]*node_modules/);
  });
}
