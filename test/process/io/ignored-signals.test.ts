import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { ignoredIn, ignoring } from "../../../src/io/ignored-signals.ts";
import { projectRoot } from "../../kit/runtime.ts";
import { snippetCommand } from "../../kit/snippet.ts";

const skip = existsSync("/proc/self/status") ? false : "needs /proc";

test("A program that is started ignores what was ignored, and gets its words whole.", { skip }, () => {
  const words = ["sh", "-c", 'cat /proc/$$/status; printf "<%s>" "$@"', "sh", "a b", "$HOME", "'"];
  const [program = "", ...args] = ignoring(words, new Set(["SIGHUP", "SIGINT"]));
  const { stdout } = spawnSync(program, args, { encoding: "utf8" });
  assert.deepEqual([...ignoredIn(stdout)], ["SIGHUP", "SIGINT"]);
  assert.match(stdout, /<a b><\$HOME><'>$/);
});

test("What was ignored at the start is known, also after a listener took it.", { skip, timeout: 30_000 }, () => {
  const snippet = snippetCommand(
    { ignoredAtStart: "src/io/ignored-signals.ts" },
    'process.on("SIGHUP", () => {}); console.log([...ignoredAtStart].join(" ")); process.exit();',
  );
  const [program = "", ...args] = ignoring(snippet, new Set(["SIGHUP", "SIGTERM"]));
  const { stdout, stderr } = spawnSync(program, args, { encoding: "utf8", cwd: projectRoot });
  assert.equal(stdout, "SIGHUP SIGTERM\n", stderr);
});
