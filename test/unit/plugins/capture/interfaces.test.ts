import assert from "node:assert/strict";
import { test } from "node:test";
import { captureLanes } from "../../../../plugins/capture/interfaces.ts";
import type { LegNumber } from "../../../../src/plugin.ts";

const all: ReadonlySet<LegNumber> = new Set([1, 2, 3]);

function names(legs: ReadonlySet<LegNumber>, sessions: readonly string[]): string[] {
  return captureLanes(legs, sessions).map(({ described }) => described.name);
}

test("With one session there are the three that the contract numbers.", () => {
  const lanes = captureLanes(all, ["vishnu"]);
  assert.deepEqual(names(all, ["vishnu"]), ["leg1-app-listener", "leg2-ssh", "leg3-sshd-target"]);
  assert.deepEqual(
    lanes.map(({ leg, hop, mark }) => [leg, hop, mark]),
    [
      [1, 1, 1],
      [2, 1, 2],
      [3, 1, 3],
    ],
  );
});

test("Each further session has one of its own behind them, with a mark that no leg has.", () => {
  const lanes = captureLanes(all, ["one", "two", "three"]);
  assert.deepEqual(
    lanes.map(({ described, leg, hop, mark }) => [described.name, leg, hop, mark]),
    [
      ["leg1-app-listener", 1, 1, 1],
      ["leg2-ssh", 2, 1, 2],
      ["leg3-sshd-target", 3, 1, 3],
      ["leg2-ssh-hop2", 2, 2, 4],
      ["leg2-ssh-hop3", 2, 3, 5],
    ],
  );
});

test("The descriptions name the hosts of the sessions, and who passes them on.", () => {
  const texts = captureLanes(all, ["one", "two", "three"]).map(({ described }) => described.description ?? "");
  assert.match(texts[1] ?? "", /^porthop to the first of 3 sshds, one: true ciphertext/);
  assert.match(texts[3] ?? "", /^porthop to sshd on two, inside the session with one, which passes it on/);
  assert.match(texts[4] ?? "", /^porthop to sshd on three, inside the session with two, which passes it on/);
  for (const text of texts) assert.match(text, /synthesised by porthop/);
});

test("A relay has no leg 2, and who chooses legs gets those and no others.", () => {
  assert.deepEqual(names(all, []), ["leg1-app-listener", "leg3-sshd-target"]);
  assert.deepEqual(names(new Set([2]), []), []);
  assert.deepEqual(names(new Set([1, 3]), ["one", "two"]), ["leg1-app-listener", "leg3-sshd-target"]);
  assert.deepEqual(names(new Set([2]), ["one", "two"]), ["leg2-ssh", "leg2-ssh-hop2"]);
});

test("A host's control characters are shown escaped.", () => {
  const [, lane] = captureLanes(new Set([2]), ["one", "tw\u001bo"]);
  assert.match(lane?.described.description ?? "", /sshd on tw\\x1bo,/);
});

test("Each of the sessions that share the work has its own, and so have its jump hosts.", () => {
  const lanes = captureLanes(all, ["gate", "vishnu"], 3);
  assert.deepEqual(
    lanes.map(({ described, leg, strand, hop }) => [described.name, leg, strand, hop]),
    [
      ["leg1-app-listener", 1, 1, 1],
      ["leg2-ssh", 2, 1, 1],
      ["leg3-sshd-target", 3, 1, 1],
      ["leg2-ssh-hop2", 2, 1, 2],
      ["leg2-ssh-s2", 2, 2, 1],
      ["leg2-ssh-s2-hop2", 2, 2, 2],
      ["leg2-ssh-s3", 2, 3, 1],
      ["leg2-ssh-s3-hop2", 2, 3, 2],
    ],
  );
  assert.match(lanes[5]?.described.description ?? "", /^session 2: porthop to sshd on vishnu, inside the session with/);
  const marks = captureLanes(all, ["a", "b", "c", "d"], 8).map(({ mark }) => mark);
  assert.equal(new Set(marks).size, marks.length, "each has a mark of its own");
  assert.ok(Math.max(...marks) < 256, "a mark is one byte");
});
