import assert from "node:assert/strict";
import { test } from "node:test";
import { refuseTypographicDash, refuseTypography } from "../../../../src/codec/words/typographic.ts";

for (const [word, code, what] of [
  ["–N", "2013", 'a "-"'],
  ["—L", "2014", 'a "-"'],
  ["−p", "2212", 'a "-"'],
  ["“ServerAliveInterval=30”", "201C", "a quote"],
  ["‘8080:localhost:80’", "2018", "a quote"],
  ["host’", "2019", "a quote"],
  ["\u00a08080:localhost:80", "00A0", "a blank"],
  ["80\u202fhost", "202F", "a blank"],
] as const) {
  test(`${JSON.stringify(word)} has something that looks like ${what}, and the message says which.`, () => {
    assert.throws(
      () => refuseTypography(word),
      new RegExp(`^Malformed: ".*" has a character \\(U\\+${code}\\) that looks like ${what} and is none`),
    );
  });
}

test("What was typed passes: a dash or an apostrophe inside a name, a plain blank, letters of any language.", () => {
  for (const word of ["-N", "", "müller@grün.example", "/home/bob/Bob’s key", "a–b", "ServerAliveInterval 30"]) {
    refuseTypography(word);
  }
});

test("The name of a file may hold any blank inside, and none at its ends.", () => {
  refuseTypography("/home/bob/at 3.10\u202fPM.key", true);
  assert.throws(() => refuseTypography("\u00a0/home/bob/key", true), /U\+00A0/);
  assert.throws(() => refuseTypography("/home/bob/at 3.10\u202fPM.key"), /U\+202F/);
});

test("Where only the dash matters, quotes pass.", () => {
  refuseTypographicDash("“hi”");
  assert.throws(() => refuseTypographicDash("–l"), /U\+2013/);
});
