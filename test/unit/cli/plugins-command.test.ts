import assert from "node:assert/strict";
import { test } from "node:test";
import { listPlugins } from "../../../src/cli/plugins-command.ts";
import { PorthopError } from "../../../src/errors.ts";
import { builtInNames, loadBuiltIn } from "../../../src/forward/plan/plugin-list.ts";
import type { OptionSpec } from "../../../src/plugin.ts";
import { writtenBy } from "../../kit/written.ts";

/** The lines on stdout, and the exit code. */
async function list(...names: string[]) {
  let code: number | undefined;
  const { stdout, stderr } = await writtenBy(async () => {
    code = await listPlugins(names);
  });
  assert.equal(stderr, "");
  return { code, lines: stdout.trimEnd().split("\n") };
}

test("Every plugin is listed with its line and its options, each with what it holds.", async () => {
  const { code, lines } = await list();
  assert.equal(code, 0);
  for (const name of builtInNames) {
    const plugin = await loadBuiltIn(name);
    const at = lines.findIndex((line) => line.startsWith(`${name} `));
    assert.match(lines[at] ?? "", new RegExp(`^${name} +\\S`));
    assert.ok(lines[at]?.endsWith(` ${plugin.about}`), lines[at]);
    const options = Object.entries(plugin.options ?? {}) as [string, OptionSpec][];
    for (const [index, [option, spec]] of options.entries()) {
      const line = lines[at + 1 + index] ?? "";
      assert.match(line, new RegExp(`^ {2}${option} +\\S.* \\(.+\\)$`));
      assert.ok(line.includes(` ${spec.about} (${spec.choices?.join("|") ?? spec.type}`), line);
      assert.equal(line.includes(", required"), spec.required === true, line);
      assert.equal(/, default (.+)\)$/.exec(line)?.[1], spec.default, line);
    }
  }
  const options = await Promise.all(builtInNames.map(async (name) => (await loadBuiltIn(name)).options ?? {}));
  assert.equal(lines.length, builtInNames.length + options.flatMap(Object.keys).length, "and nothing else");
});

test("One that is named is shown alone, several in the order asked for.", async () => {
  const all = (await list()).lines;
  const limit = (await list("limit")).lines;
  const log = (await list("log")).lines;
  assert.ok(limit.length > 1 && limit.length < all.length);
  assert.deepEqual((await list("limit", "log")).lines, [...limit, ...log]);
});

test("One that does not exist is an error that names a better one and all there are.", async () => {
  await assert.rejects(list("limt"), (error) => {
    assert.ok(error instanceof PorthopError);
    assert.deepEqual([error.code, error.exitCode], ["plugin.not-found", 1]);
    assert.match(error.message, /^there is no plugin "limt" \(did you mean limit\?\)$/);
    assert.match(error.hint, /log, limit, capture/);
    return true;
  });
  await assert.rejects(list("constructor"), { code: "plugin.not-found", message: 'there is no plugin "constructor"' });
});
