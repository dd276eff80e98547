import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Malformed } from "../../../../src/codec/malformed.ts";
import { hostApplies, type MatchContext, matchApplies } from "../../../../src/config/file/config-match.ts";
import { rounds } from "../../../kit/effort.ts";
import { hostileText, readOrRefused } from "../../../kit/hostile-text.ts";

function context(changes: Partial<MatchContext> = {}) {
  const seen: string[] = [];
  const made: MatchContext = {
    host: "real.example.com",
    originalHost: "Web",
    user: "alice",
    localUser: "anna",
    tag: "work",
    isFinal: false,
    succeeds(command) {
      seen.push(command);
      return command === "true";
    },
    askForFinal: () => seen.push("final!"),
    undecided: (criterion) => seen.push(`${criterion}?`),
    ...changes,
  };
  return { made, seen };
}

for (const [patterns, applies] of [
  [["web"], true],
  [["WEB"], false],
  [["w*"], true],
  [["we?"], true],
  [["db", "web"], true],
  [["*", "!web"], false],
  [["!web", "*"], false],
  [["!db"], false],
  [["!db", "*"], true],
  [[], false],
] as const) {
  test(`Host ${patterns.join(" ")} ${applies ? "applies" : "does not apply"} to web.`, () => {
    assert.equal(hostApplies(patterns, "web"), applies);
  });
}

for (const [text, applies] of [
  ["all", true],
  ["!all", false],
  ["host real.*", true],
  ["host REAL.*", true],
  ["host web", false],
  ["host *,!real.example.com", false],
  ["originalhost web", true],
  ["user alice", true],
  ["user Alice", false],
  ["!user bob", true],
  ["localuser anna user a*", true],
  ["localuser anna user b*", false],
  ["tagged work", true],
  ['exec "true"', true],
  ["!exec false", true],
  ["final", false],
  ["!final", true],
  ["canonical", false],
  ["host real.* # here", true],
  ['host="real.*"', true],
  ["localnetwork 10.0.0.0/8", false],
] as const) {
  test(`Match ${text} ${applies ? "applies" : "does not apply"}.`, () => {
    assert.equal(matchApplies(text, context().made), applies);
  });
}

test("A command runs only after all criteria before it were met.", () => {
  const { made, seen } = context();
  assert.equal(matchApplies("user bob exec true exec true", made), false);
  assert.deepEqual(seen, []);
  assert.equal(matchApplies('exec false exec "true"', made), false);
  assert.deepEqual(seen, ["false"]);
});

test("final asks for another reading, wherever it stands, and is met in that one.", () => {
  const { made, seen } = context();
  assert.equal(matchApplies("user bob final", made), false);
  assert.deepEqual(seen, ["final!"]);
  assert.equal(matchApplies("final all", context({ isFinal: true }).made), true);
});

for (const text of ["", "# all", "host", "host # x", "hots web", "all user alice", "host a user b all", 'exec "x']) {
  test(`Match ${text} is refused.`, () => {
    assert.throws(() => matchApplies(text, context().made), Malformed);
  });
}

test("Any criteria are decided or refused in one short line.", () => {
  const text = hostileText("host ", "user ", "!", "exec ", "all", "final ", '"', "=", "#", "*", ",");
  fc.assert(
    fc.property(text, (given) => {
      readOrRefused(() => matchApplies(given, context().made));
      readOrRefused(() => hostApplies(given.split(" "), "web"));
    }),
    { numRuns: rounds(3000) },
  );
});
