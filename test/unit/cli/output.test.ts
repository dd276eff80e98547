import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Level, levels, Output } from "../../../src/cli/output.ts";
import { PorthopError } from "../../../src/errors.ts";
import { need } from "../../kit/packages.ts";
import { pty } from "../../kit/pty.ts";
import { run } from "../../kit/run.ts";
import { projectRoot } from "../../kit/runtime.ts";
import { snippetCommand } from "../../kit/snippet.ts";
import { removeTemp, tempDirectory } from "../../kit/temp.ts";
import { type Written, written } from "../../kit/written.ts";

const noTerminal = need("script", "stty");
const timeout = 30_000;

const outputs = new Map<Level, Output>(levels.map((level) => [level, new Output(level)]));

function says(level: Level, work: (output: Output) => void): Written {
  const output = outputs.get(level);
  if (output === undefined) throw new Error(`no output at ${level}`);
  return written(() => work(output));
}

/** Escape characters and what else acts on a terminal, as a server or a plugin may send it. */
const nasty = "a\u001b[2Jb\u0007\u009b1mc\u202ed\re";
const shown = "a\\x1b[2Jb\\x07\\x9b1mc\\u202ed\\re";

const failed = new PorthopError("target.refused", "no luck", { hint: "try again" });

for (const [level, heard] of [
  ["silent", []],
  ["error", ["error"]],
  ["warn", ["error", "warn"]],
  ["info", ["error", "warn", "info"]],
  ["debug", ["error", "warn", "info", "debug"]],
] as const) {
  test(`At the level ${level} stderr has ${heard.join(", ") || "nothing"}, and a result comes in any case`, () => {
    const told = says(level, (output) => {
      output.error(failed);
      output.warn("a warning");
      output.info("an info");
      output.debug("a detail");
      output.result("the result");
    });
    const lines = {
      error: "porthop: no luck [target.refused]\n  hint: try again\n",
      warn: "porthop: warning: a warning\n",
      info: "an info\n",
      debug: "a detail\n",
    };
    assert.deepEqual(told, { stdout: "the result\n", stderr: heard.map((kind) => lines[kind]).join("") });
  });

  test(`At the level ${level} a plugin's logger says ${heard.join(", ") || "nothing"}, with its name in front`, () => {
    const told = says(level, (output) => {
      const log = output.loggerFor("limit");
      log.error("it failed");
      log.warn("take care");
      log.info("it goes on");
      log.debug("in detail");
    });
    const lines = {
      error: "porthop: limit: it failed\n",
      warn: "porthop: warning: limit: take care\n",
      info: "limit: it goes on\n",
      debug: "limit: in detail\n",
    };
    assert.deepEqual(told, { stdout: "", stderr: heard.map((kind) => lines[kind]).join("") });
  });
}

test("A logger without a name is porthop's own", () => {
  const told = says("info", (output) => {
    output.loggerFor().warn("take care");
    output.loggerFor().info("ready");
  });
  assert.equal(told.stderr, "porthop: warning: take care\nready\n");
});

test("An error may name the flow that it ended", () => {
  const told = says("error", (output) => output.error(failed, "L1#17"));
  assert.equal(told.stderr, "porthop: L1#17: no luck [target.refused]\n  hint: try again\n");
});

test("Control characters are shown and never sent, whoever says them", () => {
  const told = says("debug", (output) => {
    output.info(nasty);
    output.debug(nasty);
    output.warn(nasty);
    output.error(new PorthopError("internal", nasty, { hint: nasty }), nasty);
    output.loggerFor(nasty).error(nasty);
    output.loggerFor(nasty).info(nasty);
  });
  assert.deepEqual(told.stderr.split("\n"), [
    shown,
    shown,
    `porthop: warning: ${shown}`,
    `porthop: ${shown}: ${shown} [internal]`,
    `  hint: ${shown}`,
    `porthop: ${shown}: ${shown}`,
    `${shown}: ${shown}`,
    "",
  ]);
});

test("Several lines stay several lines, but an error and its hint are one line each", () => {
  const told = says("info", (output) => {
    output.info("one\ntwo");
    output.error(new PorthopError("internal", "three\nfour", { hint: "five\r\nsix" }));
  });
  assert.equal(told.stderr, "one\ntwo\nporthop: three\\nfour [internal]\n  hint: five\\r\\nsix\n");
});

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

test("With a log file stderr stays empty, control characters are shown there too, and a result is still one.", () => {
  const folder = tempDirectory("output");
  const file = join(folder, "log");
  writeFileSync(file, "before\n");
  const output = new Output("info", file);
  const told = written(() => {
    output.warn(nasty);
    output.error(failed);
    output.debug("a detail");
    output.result("the result");
  });
  assert.deepEqual(told, { stdout: "the result\n", stderr: "" });
  const lines = ["before", `porthop: warning: ${shown}`, "porthop: no luck [target.refused]", "  hint: try again", ""];
  assert.equal(readFileSync(file, "utf8"), lines.join("\n"));
  assert.throws(
    () => new Output("info", folder),
    (error) => error instanceof PorthopError && error.code === "file.cannot-write",
  );
  removeTemp(folder);
});
