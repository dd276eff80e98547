import assert from "node:assert/strict";
import { test } from "node:test";
import { isAlgorithmKind, openSshAlgorithms } from "../../../../src/codec/config/openssh-algorithms.ts";

test("Each name is there once.", () => {
  for (const names of Object.values(openSshAlgorithms)) assert.equal(new Set(names).size, names.length);
});

test("The kinds are told from other words.", () => {
  assert.deepEqual(["cipher", "mac", "kex", "hostKey", "text", "toString"].map(isAlgorithmKind), [
    ...[true, true, true, true],
    ...[false, false],
  ]);
});
