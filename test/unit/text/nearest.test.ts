import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { didYouMean, nearest } from "../../../src/text/nearest.ts";

const names = ["capture", "capture-keys", "rate-limit", "use", "log", "json", "inspect", "hold", "grace"];

const typed: readonly (readonly [word: string, meant: string | undefined])[] = [
  ["captur", "capture"],
  ["cap", "capture"],
  ["Capture", "capture"],
  ["cpature", "capture"],
  ["capture-key", "capture-keys"],
  ["ratelimit", "rate-limit"],
  ["jsno", "json"],
  ["lgo", "log"],
  ["xyz", undefined],
  ["x", undefined],
  ["", undefined],
  ["completely-different", undefined],
];

for (const [word, meant] of typed) {
  test(`"${word}" ${meant === undefined ? "is close to nothing" : `means "${meant}"`}`, () => {
    assert.equal(nearest(word, names), meant);
  });
}

test("The hint carries the prefix of what is meant and is empty without one", () => {
  assert.equal(didYouMean("captur", names, "--"), " (did you mean --capture?)");
  assert.equal(didYouMean("xyz", names, "--"), "");
});

test("A word that exists is its own nearest", () => {
  fc.assert(
    fc.property(fc.constantFrom(...names), (name) => {
      assert.equal(nearest(name, [name, ...names.filter((other) => other !== name)]), name);
    }),
  );
});

test("A word of a million letters is no typo, and is not compared", () => {
  const word = "a".repeat(1_000_000);
  assert.equal(nearest(word, [word]), undefined);
  assert.equal(nearest("aa", [word]), undefined);
});
