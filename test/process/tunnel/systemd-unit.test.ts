import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { splitShellWords } from "../../../src/codec/words/shell-words.ts";
import { systemdLine } from "../../../src/tunnel/systemd-unit.ts";
import { findTool } from "../../kit/packages.ts";
import { run } from "../../kit/run.ts";
import { removeTemp, tempDirectory } from "../../kit/temp.ts";

const analyze = findTool("systemd-analyze");

test("systemd itself reads the very words.", { skip: analyze === undefined, timeout: 60_000 }, async () => {
  const words = ["a%hb", "$HOME $USER", 'q"q', "it's", "b\\s\\\\", ";", "", "x\\n", "{a,b}", "ä"];
  const directory = tempDirectory("unit");
  try {
    mkdirSync(directory, { recursive: true });
    const file = join(directory, "words.service");
    writeFileSync(file, `[Service]\nExecStart=/bin/echo ${systemdLine(words)}\n`);
    const { stdout, stderr } = await run(analyze ?? "", ["verify", "--man=no", file], {
      env: { ...process.env, SYSTEMD_LOG_LEVEL: "debug", SYSTEMD_COLORS: "0" },
    });
    const [, dumped] = /Command Line: (.*)/.exec(stdout + stderr) ?? [];
    assert.ok(dumped !== undefined, stdout + stderr);
    // It shows them as words of a shell; `$$` becomes `$` when the command is started.
    const expected = ["/bin/echo", ...words].map((word) => word.replaceAll("$", "$$$$"));
    assert.deepEqual(splitShellWords(dumped), expected);
  } finally {
    removeTemp(directory);
  }
});
