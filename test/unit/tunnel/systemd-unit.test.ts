import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { splitShellWords } from "../../../src/codec/words/shell-words.ts";
import { describeTunnel } from "../../../src/config/description.ts";
import { systemdLine, systemdUnit } from "../../../src/tunnel/systemd-unit.ts";
import { findTool } from "../../kit/packages.ts";
import { run } from "../../kit/run.ts";
import { removeTemp, tempDirectory } from "../../kit/temp.ts";

test("The unit starts ssh in front, again and again, and says how it is switched on.", () => {
  const lines = systemdUnit(describeTunnel(["-f", "-L", "*:1:a:1", "u@h"]), "web", ["a note"]);
  assert.ok(lines.includes("# a note"));
  assert.ok(lines.includes("# ~/.config/systemd/user/web.service"));
  assert.ok(lines.includes("Restart=always"));
  assert.match(
    lines.find((line) => line.startsWith("ExecStart=")) ?? "",
    /^ExecStart=\/usr\/bin\/ssh -N .* -L "\*:1:a:1" u@h$/,
  );
});

test("Percent, dollar, quotes and backslashes are doubled or escaped, and a lone semicolon ends no command.", () => {
  assert.equal(
    systemdLine(["a%b", "$HOME", 'a"b', "a\\b", ";", "", "it's"]),
    '"a%%b" "$$HOME" "a\\"b" "a\\\\b" ";" "" "it\'s"',
  );
  assert.throws(() => systemdLine(["a\nExecStart=x"]), /no pasted line can carry/);
});

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
