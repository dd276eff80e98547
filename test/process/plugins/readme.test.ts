/** The samples of the guide to plugins are right to the compiler, and the tests in the guide pass as they stand. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { guide, samplesFolder } from "../../kit/plugin-guide.ts";
import { run } from "../../kit/run.ts";
import { currentRuntime, projectRoot, testCommand } from "../../kit/runtime.ts";
import { removeTemp } from "../../kit/temp.ts";

const folder = samplesFolder();
after(() => removeTemp(folder));

test("All samples are right to the strict compiler, with the settings that the guide shows.", {
  timeout: 120_000,
}, async () => {
  const shown = /^```json\n([\s\S]*?)^```$/m.exec(guide)?.[1] ?? "";
  const { compilerOptions } = JSON.parse(shown);
  // Where `npm install` would have put the types, and all that this repository's own compiler settings ask for.
  const config = {
    extends: join(projectRoot, "tsconfig.json"),
    compilerOptions: { ...compilerOptions, typeRoots: [join(projectRoot, "node_modules/@types")] },
    include: ["*.ts"],
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  const checked = await run(join(projectRoot, "node_modules/.bin/tsc"), ["--noEmit", "-p", folder], {
    timeoutMs: 100_000,
  });
  assert.deepEqual([checked.code, checked.stdout], [0, ""]);
});

for (const [name, title] of [
  ["upper.test.ts", /Answers come in capitals/],
  ["cut.test.ts", /An answer that is too long/],
] as const) {
  test(`${name} passes as it stands.`, { timeout: 60_000 }, async () => {
    const [command = "", ...args] = testCommand(currentRuntime, `./${name}`);
    const { code, stdout, stderr } = await run(command, args, { cwd: folder });
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout + stderr, title);
  });
}
