import assert from "node:assert/strict";
import { test } from "node:test";
import { ignoredIn, ignoring } from "../../../src/io/ignored-signals.ts";

for (const [mask, names] of [
  ["0000000000000000", []],
  ["0000000000000001", ["SIGHUP"]],
  ["0000000000004007", ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM"]],
  // SIGPIPE and SIGXFSZ are the runtime's.
  ["0000000001001002", ["SIGINT"]],
] as const) {
  test(`The mask ${mask} says that ${names.join(", ") || "nothing"} is ignored.`, () => {
    const status = `Name:\tporthop\nSigBlk:\t0000000000004007\nSigIgn:\t${mask}\nSigCgt:\t00000001a0004007\n`;
    assert.deepEqual([...ignoredIn(status)], names);
  });
}

test("Where there is no /proc nothing is known to be ignored.", () => {
  assert.deepEqual([...ignoredIn("")], []);
});

test("A program is started as it is where nothing was ignored.", () => {
  assert.deepEqual(ignoring(["nc", "host", "22"], new Set()), ["nc", "host", "22"]);
});
