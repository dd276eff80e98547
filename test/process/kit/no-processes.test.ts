import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { run } from "../../kit/run.ts";
import { projectRoot, scriptCommand } from "../../kit/runtime.ts";
import { tempDirectory } from "../../kit/temp.ts";

test("A unit test that starts a process fails, in whatever way it does and also when it catches the error.", {
  timeout: 30_000,
}, async () => {
  const folder = tempDirectory("no-processes");
  const source = join(projectRoot, "src/io/xauth.ts");
  writeFileSync(
    join(folder, "fixture.test.ts"),
    `import { spawn } from "node:child_process";
     import * as bare from "child_process";
     import { test } from "node:test";
     import { askXauth } from ${JSON.stringify(source)};
     const caught = (start) => () => { try { start(); } catch {} };
     test("reads", () => {});
     test("throws", () => { spawn("true"); });
     test("catches", caught(() => spawn("true")));
     test("names it without node:", caught(() => bare.execSync("true")));
     test("imports it late", async () => (await import("node:child_process")).default.spawnSync("true"));
     test("leaves it to the source", async () => {
       await askXauth({ program: "xauth", display: { xauthName: ":0" }, trusted: true, timeoutMs: 0 }).catch(() => {});
     });
     test("reads again", () => {});`,
  );
  const [bun = ""] = scriptCommand("bun", "");
  const preload = join(projectRoot, "test/kit/no-processes.ts");
  const told = await run(bun, ["test", "--preload", preload, folder], { cwd: folder });
  assert.equal(told.code, 1);
  const lines = [...told.stderr.matchAll(/^\((pass|fail)\) (.*?)(?: \[[\d.]+ms\])?$/gm)];
  assert.deepEqual(
    lines.map(([, verdict, name]) => `${verdict} ${name}`),
    [
      "pass reads",
      "fail throws",
      "fail catches",
      "fail names it without node:",
      "fail imports it late",
      "fail leaves it to the source",
      "pass reads again",
    ],
  );
  assert.match(told.stderr, /a unit test starts no process, and this is spawn true: its place is test\/process/);
});
