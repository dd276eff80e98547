import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { splitArguments } from "../../../../src/codec/config/config-line.ts";
import { expandTokens } from "../../../../src/codec/config/percent-tokens.ts";
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
    command: "",
    sessionType: "none",
    isFinal: false,
    addresses: () => ["127.0.0.1", "192.0.2.7", "fe80::1%eth0"],
    fill: (command) => expandTokens(command, { h: "filled" }),
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

function matches(text: string, made: MatchContext): boolean {
  return matchApplies(splitArguments(text), made);
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
  ["host 'real.*'", true],
  ["host = real.*", undefined],
  ["host =real.example.com", false],
  ["localnetwork 10.0.0.0/8", false],
  ["localnetwork=10.0.0.0/8,192.0.2.0/24", true],
  ["localnetwork fe80::/10", true],
  ["!localnetwork 192.0.2.7", false],
  ["localnetwork 192.0.2.7/24", undefined],
  ["localnetwork !10.0.0.0/8", undefined],
  ["localnetwork home", undefined],
  ["version OpenSSH_10.*", true],
  ["version OpenSSH_9.*", false],
  ["version *porthop*", true],
  ["sessiontype none", true],
  ["sessiontype shell,exec", false],
  ['tagged ""', false],
  ['command ""', true],
  ["command *", false],
] as const) {
  test(`Match ${text} ${applies === undefined ? "is refused" : applies ? "applies" : "does not apply"}.`, () => {
    assert.equal(
      readOrRefused(() => matches(text, context().made)),
      applies,
    );
  });
}

test("What was asked for on the command line is matched: a command, a subsystem, or no tag at all.", () => {
  const { made } = context({ command: "uname -a", sessionType: "exec", tag: "" });
  assert.equal(matches('command "uname *" sessiontype exec tagged ""', made), true);
  assert.equal(matches('command ""', made), false);
  assert.equal(matches("tagged *", made), false);
});

test("A command with a token that is not known is refused, also where it would not run.", () => {
  assert.throws(() => matches("user bob exec %z", context().made), Malformed);
  assert.equal(matches("exec %h", context().made), false);
});

test("A command runs only after all criteria before it were met.", () => {
  const { made, seen } = context();
  assert.equal(matches("user bob exec true exec true", made), false);
  assert.deepEqual(seen, []);
  assert.equal(matches('exec false exec "true"', made), false);
  assert.deepEqual(seen, ["false"]);
});

test("final asks for another reading, wherever it stands, and is met in that one.", () => {
  const { made, seen } = context();
  assert.equal(matches("user bob final", made), false);
  assert.deepEqual(seen, ["final!"]);
  assert.equal(matches("final all", context({ isFinal: true }).made), true);
});

for (const text of ["", "# all", "host", "host # x", "hots web", "all user alice", "host a user b all", 'exec "x']) {
  test(`Match ${text} is refused.`, () => {
    assert.throws(() => matches(text, context().made), Malformed);
  });
}

test("Any criteria are decided or refused in one short line.", () => {
  const text = hostileText(
    "host ",
    "user ",
    "!",
    "exec ",
    "all",
    "final ",
    "localnetwork ",
    "tagged ",
    "version=",
    '"',
    "=",
    "#",
    "*",
    ",",
  );
  fc.assert(
    fc.property(text, (given) => {
      readOrRefused(() => matches(given, context().made));
      readOrRefused(() => hostApplies(given.split(" "), "web"));
    }),
    { numRuns: rounds(3000) },
  );
});
