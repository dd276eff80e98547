import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { printKeywordLine, readKeywordLine } from "../../../../src/config/file/keyword-line.ts";
import { hostileText, readOrRefused } from "../../../kit/hostile-text.ts";

for (const [line, name, value] of [
  ["Port=22", "Port", "22"],
  ["port 22", "Port", "22"],
  ["  PORT =  22 ", "Port", "22"],
  ["localforward=8080 a:80", "LocalForward", "8080 a:80"],
  ["ProxyCommand=nc -x a=b %h", "ProxyCommand", "nc -x a=b %h"],
  ["NotKnown=x", "NotKnown", "x"],
  ["User==x", "User", "=x"],
] as const) {
  test(`${line} is ${name} with the value ${value}.`, () => {
    assert.deepEqual(readKeywordLine(line), { name, value });
  });
}

test("A line without a value, or without a name, is refused.", () => {
  for (const line of ["", "Port", "Port=", "=22", "Po-rt=1", " "]) {
    assert.throws(() => readKeywordLine(line), /is not Keyword=value/);
  }
});

test("Any text is refused, or read so that the printed line reads as the same line.", () => {
  const property = fc.property(hostileText("=", " ", '"', "Port"), (text) => {
    const line = readOrRefused(() => readKeywordLine(text));
    if (line !== undefined) assert.deepEqual(readKeywordLine(printKeywordLine(line)), line);
  });
  fc.assert(property);
});
