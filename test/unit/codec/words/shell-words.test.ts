import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Malformed } from "../../../../src/codec/malformed.ts";
import {
  powerShellLine,
  quoteForPowerShell,
  quoteForShell,
  requireOneLine,
  splitShellWords,
} from "../../../../src/codec/words/shell-words.ts";
import { assertFastOnLongText, hostileText, readOrRefused } from "../../../kit/hostile-text.ts";

const nasty = [
  "'",
  '"',
  "$",
  "$(id)",
  "`id`",
  "\\",
  "\n",
  "\t",
  " ",
  ";",
  "|",
  "&",
  "*",
  "~",
  "#",
  "!",
  "=",
  "{a,b}",
  "-",
  "é",
  "💣",
];

for (const [text, words] of [
  ["ssh -N -L 8080:localhost:80 host", ["ssh", "-N", "-L", "8080:localhost:80", "host"]],
  ["  ssh\t'a b'\"c d\"e\\ f  ", ["ssh", "a bc de f"]],
  ["ssh \\\n  -N \\\r\n host\n\n", ["ssh", "-N", "host"]],
  ["ssh '$HOME' '~/x' \"a\\$b\" \\$c $ host # a word", ["ssh", "$HOME", "~/x", "a$b", "$c", "$", "host"]],
  ["ssh -L *:80:[::1]:80 host", ["ssh", "-L", "*:80:[::1]:80", "host"]],
  ["ssh -i ~/.ssh/key -Ni ~/k host", ["ssh", "-i", "~/.ssh/key", "-Ni", "~/k", "host"]],
  ["ssh '' \"\" a#b", ["ssh", "", "", "a#b"]],
  ["", []],
] as const) {
  test(`${JSON.stringify(text)} are the words ${JSON.stringify(words)}.`, () => {
    assert.deepEqual(splitShellWords(text), words);
  });
}

for (const [text, says] of [
  ["ssh $(id) h", "run what stands in the parentheses"],
  ['ssh "$(id)" h', "run what stands in the parentheses"],
  ["ssh `id` h", "run what stands between the backquotes"],
  ["ssh h; rm -rf x", "run a second command"],
  ["ssh h | cat", "run a second command"],
  ["ssh h && x", "run it in the background"],
  ["ssh h > f", "write into a file"],
  ["ssh h 2>&1", "write into a file"],
  ["ssh < f h", "take the input from a file"],
  ["(ssh h)", "run a group of commands"],
  ["ssh $HOME", "put a value in its place"],
  ['ssh "$X"', "put a value in its place"],
  ["ssh $'a'", "put a value in its place"],
  ["ssh -F ~/x h", "put a home directory in"],
  ["ssh ~bob", "put a home directory in"],
  ["ssh h\nrm x", "more than one line"],
  ["ssh 'h", "lacks its closing quote"],
  ['ssh "h', "lacks its closing quote"],
  ["ssh h\\", "ends in a backslash"],
  ["ssh \0h", "NUL"],
] as const) {
  test(`${JSON.stringify(text)} is refused: ${says}.`, () => {
    assert.throws(
      () => splitShellWords(text),
      (error) => error instanceof Malformed && error.message.includes(says),
    );
  });
}

test("Any text is split or refused, and soon.", () => {
  const property = fc.property(hostileText(...nasty, "ssh", " "), (text) => {
    readOrRefused(() => splitShellWords(text));
  });
  fc.assert(property);
  assertFastOnLongText(splitShellWords, " ", "a ", "\\", '"', "'", "\\\n", "#\n", "\n");
});

test("What needs no quotes has none.", () => {
  for (const plain of ["-L", "8080:localhost:80", "alice@server", "/a/b.c", "a=b", "50%", "a,b"]) {
    assert.equal(quoteForShell(plain), plain);
  }
  for (const other of ["", "=ls", "~", "a b", "*", "[::1]", "a#b", "!x"]) assert.match(quoteForShell(other), /^'.*'$/);
});

test("PowerShell's single quotes are doubled, the typographic ones too; what it would count or cut is quoted.", () => {
  assert.equal(quoteForPowerShell("it's"), "'it''s'");
  assert.equal(
    quoteForPowerShell("a\u2019b\u201bc\u2018\u201a"),
    "'a\u2019\u2019b\u201b\u201bc\u2018\u2018\u201a\u201a'",
  );
  for (const plain of ["-L", "2222", "8080:localhost:80", "alice@server", "ServerAliveInterval=30"]) {
    assert.equal(quoteForPowerShell(plain), plain);
  }
  for (const other of ["1kb", "0x10", "007", "-a.b", "@x", "$x", "`", ";", "(x)", "", "--%", "a,b", "~/x", "[::1]"]) {
    assert.match(quoteForPowerShell(other), /^'.*'$/);
  }
  assert.equal(powerShellLine(["ssh", "-N", "$(x)"]), "ssh -N '$(x)'");
});

test("A word with a line break, a tab, an escape or an invisible turn of letters cannot stand on a line.", () => {
  for (const bad of ["a\nb", "a\tb", "\u001b[2J", "a\u202eb", "\u2028", "\ud800"]) {
    assert.throws(() => requireOneLine(["ok", bad]), /no pasted line can carry/);
  }
  assert.deepEqual(requireOneLine(["ok", "é 💣"]), ["ok", "é 💣"]);
});
