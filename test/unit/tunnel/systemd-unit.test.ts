import assert from "node:assert/strict";
import { test } from "node:test";
import { describeTunnel } from "../../../src/config/description.ts";
import { systemdLine, systemdUnit } from "../../../src/tunnel/systemd-unit.ts";

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

test("A variable of a forward is filled in: the service has another environment.", () => {
  const around = { fillVariables: (text: string) => text.replace(/\$\{DIR\}/, "/run"), hasHost: () => false };
  const lines = systemdUnit(describeTunnel(["-L", `$${"{DIR}"}/x:a:1`, "host"], around), "web");
  assert.match(lines.find((line) => line.startsWith("ExecStart=")) ?? "", / -L \/run\/x:a:1 /);
});
