import assert from "node:assert/strict";
import { test } from "node:test";
import { Malformed } from "../../../src/codec/malformed.ts";
import { addOption } from "../../../src/config/file/config-value.ts";
import { Keywords } from "../../../src/config/file/keyword.ts";
import { addJumps, readWay } from "../../../src/config/way-settings.ts";

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
  [["ProxyJump=none", "ProxyCommand=nc"], "", "nc"],
  [["ProxyCommand=NONE", "ProxyJump=one"], "", undefined],
  [["ProxyJump=one", "ProxyJump=two"], "one", undefined],
] as const) {
  test(`As in ssh the first decides: ${lines.join(", then ")}.`, () => {
    assert.deepEqual(way(...lines), [jumps, command]);
  });
}

test("-J is a ProxyJump, which stands before what follows it.", () => {
  const given = keywords();
  addJumps(given, "anna@one:2222");
  addOption(given, "ProxyCommand=nc");
  assert.deepEqual(readWay(given), { jumps: [{ user: "anna", host: "one", port: 2222 }], proxyCommand: undefined });
});

for (const [before, text, reason] of [
  ["ProxyJump=one", "two", "jump hosts were named already"],
  ["ProxyCommand=nc", "two", "cannot go with a ProxyCommand"],
  ["ProxyCommand=none", "two", "cannot go with a ProxyCommand"],
  ["BatchMode=yes", "a b", "-J a b: "],
] as const) {
  test(`-J ${text} after ${before} is refused: ${reason}.`, () => {
    assert.throws(
      () => addJumps(keywords(before), text),
      (error) => error instanceof Malformed && error.message.includes(reason),
    );
  });
}
