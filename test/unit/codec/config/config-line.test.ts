import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseConfigLine, quoteArgument, splitArguments, takeToken } from "../../../../src/codec/config/config-line.ts";
import { Malformed } from "../../../../src/codec/malformed.ts";
import { rounds } from "../../../kit/effort.ts";
import { assertFastOnLongText, hostileText, readOrRefused } from "../../../kit/hostile-text.ts";

for (const line of ["", " ", "\t \r\n", "\n", "# Port 22", "   #Port 22", "=", " = "]) {
  test(`${JSON.stringify(line)} says nothing.`, () => {
    assert.equal(parseConfigLine(line), undefined);
  });
}

for (const [line, keyword, words] of [
  ["Port 22", "Port", ["22"]],
  ["  port\t22\r\n", "port", ["22"]],
  ["Port=22", "Port", ["22"]],
  ["Port =22", "Port", ["22"]],
  ["Port = 22", "Port", ["22"]],
  ["Port == 22", "Port", ["=", "22"]],
  ["=Port 22", "Port", ["22"]],
  ['"Port" 22', "Port", ["22"]],
  ["Port 22 # sshd", "Port", ["22"]],
  ["Port #", "Port", []],
  ["User a#b", "User", ["a#b"]],
  ['Host "a b" c\'d\'"e"', "Host", ["a b", "cde"]],
  ['Host "" x', "Host", ["", "x"]],
  ["User a\\ b \\c \\\\d \\'e", "User", ["a b", "\\c", "\\d", "'e"]],
  ['User "a\\ b"', "User", ["a\\ b"]],
  ["Port 22\f\n", "Port", ["22"]],
] as const) {
  test(`${JSON.stringify(line)} is ${keyword} with ${JSON.stringify(words)}.`, () => {
    const read = parseConfigLine(line);
    assert.deepEqual([read?.keyword, read?.arguments], [keyword, words]);
  });
}

test("What follows the keyword is kept as it stands, for commands.", () => {
  assert.equal(parseConfigLine('ProxyCommand = sh -c "nc %h # x"  \n')?.rest, 'sh -c "nc %h # x"');
});

for (const line of ["Port", "Port=", "Port =  ", 'User "a', "User 'a", '"Port 22']) {
  test(`${JSON.stringify(line)} is refused.`, () => {
    assert.throws(() => parseConfigLine(line), Malformed);
  });
}

test("A token ends at a blank, at one = or with its quotes, wherever they begin.", () => {
  const tokens = (text: string) => {
    const found: string[] = [];
    for (let next = takeToken(text); next.token !== ""; next = takeToken(next.rest)) found.push(next.token);
    return found;
  };
  assert.deepEqual(tokens('host web,db user = "a b" exec "test -e \'x\'"'), [
    ...["host", "web,db", "user", "a b", "exec", "test -e 'x'"],
  ]);
  assert.deepEqual(tokens('a"b c"d'), ["ab c", "d"]);
  assert.throws(() => tokens('exec "x'), Malformed);
});

const text = hostileText("Host", "Match", "exec", " ", "\t", "=", '"', "'", "\\", "#", "\n", "\f", "%h");

test("Any line is read or refused in one short line, and its words are found again in it.", () => {
  fc.assert(
    fc.property(text, (line) => {
      const read = readOrRefused(() => parseConfigLine(line));
      if (read === undefined) return;
      assert.notEqual(read.keyword, "");
      assert.deepEqual(splitArguments(read.rest), read.arguments);
    }),
    { numRuns: rounds(5000) },
  );
});

test("Words that are quoted and joined are the same words when they are read again.", () => {
  fc.assert(
    fc.property(fc.array(text, { maxLength: 5 }), (words) => {
      assert.deepEqual(splitArguments(words.map(quoteArgument).join(" ")), words);
    }),
    { numRuns: rounds(5000) },
  );
});

test("Very long lines are read at once.", () => {
  assertFastOnLongText(parseConfigLine, " ", "=", '"', "'", "\\", '\\"', "a ", "#", "a=");
});
