import assert from "node:assert/strict";
import { test } from "node:test";
import { describeWords, placeHere } from "../../../src/cli/described-words.ts";

test("Who carries is ssh for a pasted ssh, porthop for its own flags.", () => {
  assert.equal(describeWords(["ssh -L 1:a:1 h"]).place.program, "ssh");
  assert.equal(describeWords(["-L", "1:a:1", "h"]).place.program, "porthop");
  assert.ok("via" in describeWords(["porthop relay -L 1:a:1"]).tunnel);
});

test("This machine has a name that can be shown.", () => {
  assert.match(placeHere("ssh").here, /^[^\p{Cc}.]+$/u);
  assert.match(placeHere("ssh").loopback, /^lo0?$/);
});
