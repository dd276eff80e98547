import assert from "node:assert/strict";
import { test } from "node:test";
import { extend, extensionFlaws, flawOf } from "../../../../src/ssh/ssh2/extension.ts";

test("What could be added has no flaw.", () => {
  let added = 0;
  extend("1.17.0", ["test-fine"], () => added++);
  assert.deepEqual([added, flawOf("test-fine")], [1, undefined]);
});

test("To another version of ssh2 nothing is added, and why is known.", () => {
  extend("2.0.0", ["test-version"], () => assert.fail("it was touched"));
  assert.equal(flawOf("test-version"), "ssh2 is 2.0.0, not 1.17.0");
  assert.ok(extensionFlaws().includes("no test-version: ssh2 is 2.0.0, not 1.17.0"));
});

test("The first reason why an algorithm is lacking stays.", () => {
  const failing = (text: string) => () => {
    throw new Error(text);
  };
  extend("1.17.0", ["test-twice"], failing("no such handlers"));
  extend("1.17.0", ["test-twice"], failing("not loaded"));
  assert.equal(flawOf("test-twice"), "no such handlers");
});
