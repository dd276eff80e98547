import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Level, levels, Output } from "../../../src/cli/output.ts";
import { PorthopError } from "../../../src/errors.ts";
import { removeTemp, tempDirectory } from "../../kit/temp.ts";
import { type Written, written } from "../../kit/written.ts";

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
      const asked = (["error", "warn", "info", "debug"] as const).filter((kind) => log.shows(kind));
      assert.deepEqual(asked, heard);
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

test("A banner goes to stderr, also with a log file, as ssh has it, and -q hides it.", () => {
  const folder = tempDirectory("output");
  const file = join(folder, "log");
  const banner = (output: Output) => output.banner(`Welcome ${nasty}\nto vishnu\n\n`);
  const expected = { stdout: "", stderr: `Welcome ${shown}\nto vishnu\n` };
  assert.deepEqual(says("info", banner), expected);
  assert.deepEqual(
    written(() => banner(new Output("debug", file))),
    expected,
  );
  assert.equal(readFileSync(file, "utf8"), "");
  assert.deepEqual(says("warn", banner), expected, "beside a command");
  for (const level of ["silent", "error"] as const) assert.equal(says(level, banner).stderr, "");
  removeTemp(folder);
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
  const [before, ...lines] = readFileSync(file, "utf8").trimEnd().split("\n");
  assert.equal(before, "before");
  const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /;
  assert.deepEqual(
    lines.map((line) => line.replace(time, "time ")),
    [`time porthop: warning: ${shown}`, "time porthop: no luck [target.refused]", "time   hint: try again"],
  );
  assert.throws(
    () => new Output("info", folder),
    (error) => error instanceof PorthopError && error.code === "file.cannot-write",
  );
  removeTemp(folder);
});
