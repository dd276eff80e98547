import assert from "node:assert/strict";
import { test } from "node:test";
import { addOption } from "../../../src/config/file/config-value.ts";
import { Keywords } from "../../../src/config/file/keyword-record.ts";
import { readWay } from "../../../src/config/way-settings.ts";

function keywords(...lines: string[]): Keywords {
  const made = new Keywords();
  for (const line of lines) addOption(made, line);
  return made;
}

const way = (...lines: string[]) => {
  const { jumps, proxyCommand } = readWay(keywords(...lines));
  return [jumps.map(({ host }) => host).join(" "), proxyCommand];
};

test("Nothing is passed unless it is said.", () => {
  assert.deepEqual(way(), ["", undefined]);
});

for (const [lines, jumps, command] of [
  [["ProxyJump=one,two"], "one two", undefined],
  [["ProxyCommand=nc %h %p"], "", "nc %h %p"],
  [["ProxyCommand nc  '%h' \"%p\""], "", "nc  '%h' \"%p\""],
  [['ProxyCommand="nc" %h'], "", '"nc" %h'],
  [["ProxyCommand='nc %h'"], "", "'nc %h'"],
  [["ProxyJump=one", "ProxyCommand=nc"], "one", undefined],
  [["ProxyCommand=nc", "ProxyJump=one"], "", "nc"],
  [["ProxyJump=none", "ProxyCommand=nc"], "", undefined],
  [["ProxyCommand=NONE", "ProxyJump=one"], "", undefined],
  [["ProxyJump=one", "ProxyJump=two"], "one", undefined],
] as const) {
  test(`As in ssh the first decides: ${lines.join(", then ")}.`, () => {
    assert.deepEqual(way(...lines), [jumps, command]);
  });
}
