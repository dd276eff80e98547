import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { need } from "../../kit/packages.ts";
import { pty } from "../../kit/pty.ts";
import { run } from "../../kit/run.ts";
import { projectRoot } from "../../kit/runtime.ts";
import { snippetCommand } from "../../kit/snippet.ts";

const noTerminal = need("script", "stty");
const timeout = 30_000;

function program(body: string): [string, ...string[]] {
  return snippetCommand({ Output: "src/cli/output.ts", PorthopError: "src/errors.ts" }, body);
}

const colourful = `
const output = new Output("debug");
output.warn("a warning");
output.error(new PorthopError("internal", "no luck"));
output.debug("a detail");
`;
const lines = /porthop: warning: a warning\s+porthop: no luck \[internal\]\s+hint: .*\s+a detail/;

for (const [env, coloured] of [
  [{}, true],
  [{ NO_COLOR: "" }, true],
  [{ NO_COLOR: "1" }, false],
  [{ NO_COLOR: "0" }, false],
  [{ TERM: "dumb" }, false],
] as const) {
  const set = Object.entries(env).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  test(`On a terminal with ${set.join() || "nothing said"} there ${coloured ? "are colours" : "is no colour"}.`, {
    skip: noTerminal,
    timeout,
  }, async () => {
    const { NO_COLOR: _none, FORCE_COLOR: _force, CI: _ci, ...clean } = process.env as Record<string, string>;
    await using terminal = pty(program(colourful), { env: { ...clean, TERM: "xterm", ...env }, cwd: projectRoot });
    assert.equal(await terminal.exit, 0, terminal.text);
    assert.match(terminal.text, lines);
    assert.equal(/\[3\dm/.test(terminal.raw), coloured, JSON.stringify(terminal.raw));
  });
}

test("Where stderr is no terminal there is no colour, even where others are told to force it.", {
  timeout,
}, async () => {
  const [command, ...args] = program(colourful);
  const told = await run(command, args, { env: { ...process.env, TERM: "xterm", FORCE_COLOR: "1" }, cwd: projectRoot });
  assert.match(told.stderr, lines);
  assert.ok(!told.stderr.includes("\u001b"), JSON.stringify(told.stderr));
});

test("A reader of stdout that went away does not end the program.", { timeout }, async () => {
  const [command, ...args] = program(`
    const output = new Output("info");
    process.stdin.once("data", async () => {
      for (let line = 0; line < 100; line++) {
        output.result("nobody reads this ".repeat(1000));
        await new Promise((resolve) => setImmediate(resolve));
      }
      output.info("still here");
      process.exit(7);
    });
  `);
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"], cwd: projectRoot });
  child.stdout.destroy();
  await once(child.stdout, "close");
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  child.stdin.write("go\n");
  const [code] = (await once(child, "close")) as [number];
  assert.deepEqual([code, stderr], [7, "still here\n"]);
});
