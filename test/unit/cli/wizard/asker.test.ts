import assert from "node:assert/strict";
import { test } from "node:test";
import { cancelled, columnsOf, isPlain } from "../../../../src/cli/wizard/asker.ts";

test("A dumb terminal, none that is named, a screen reader and a narrow window are asked line by line.", () => {
  for (const environment of [{ TERM: "dumb" }, {}, { TERM: "" }, { TERM: "xterm", ACCESSIBLE: "1" }]) {
    assert.equal(isPlain(environment, 80), true, JSON.stringify(environment));
  }
  for (const columns of [29, 0, undefined]) assert.equal(isPlain({ TERM: "xterm" }, columns), true);
  for (const environment of [{ TERM: "xterm" }, { TERM: "linux" }, { TERM: "xterm", ACCESSIBLE: "0" }]) {
    assert.equal(isPlain(environment, 80), false, JSON.stringify(environment));
  }
});

test("Lines are at most 80 columns, as many where nobody knows, and fewer in a narrow window.", () => {
  assert.deepEqual([undefined, 0, 60, 80, 200].map(columnsOf), [80, 80, 60, 80, 80]);
});

test("Ctrl-C ends with 130.", () => {
  assert.equal(cancelled().exitCode, 130);
});
