import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type ErrorCode, PorthopError } from "../../../../src/errors.ts";
import { cutShort, type Reconnect, RetryPolicy, type Verdict } from "../../../../src/forward/uplink/retry-policy.ts";

const gone = new PorthopError("ssh.lost", "the session was lost", { leg: 2 });
const failures = (code: ErrorCode, more = {}) => ({
  error: new PorthopError(code, `${code} it is`),
  ...{ wasLetIn: true, needs: "nobody" as const },
  ...more,
});
const loss = (stoodMs: number, more = {}) => ({
  ...{ reason: gone, stoodMs, needs: "nobody" as const, othersStand: false },
  ...more,
});

/** A policy in which a session has stood. Its waits are the longest that chance allows. */
function policyOf(reconnect: Reconnect = "auto", canAskLater = true): RetryPolicy {
  const policy = new RetryPolicy({ reconnect, canAskLater, random: () => 0.999_999 });
  policy.stood();
  return policy;
}

function waitOf(verdict: Verdict): string {
  if (verdict.next === "end") return `end: ${verdict.reason.message}`;
  return `${verdict.inMs}${verdict.mayHurry ? "" : " without hurry"}`;
}

test("The waits double from 0.2 s to 30 s, for ever, and each may be cut short.", () => {
  const policy = policyOf();
  const waits = [
    policy.lost(loss(60_000)),
    ...Array.from({ length: 200 }, () => policy.failed(failures("ssh.unreachable"))),
  ];
  assert.deepEqual(waits.slice(0, 10).map(waitOf), [
    ...["200", "400", "800", "1600", "3200", "6400", "12800", "25600", "30000", "30000"],
  ]);
  assert.ok(waits.every((wait) => wait.next === "retry" && wait.inMs <= 30_000 && wait.mayHurry));
});

test("A wait is shorter by chance by up to a quarter, so that many clients do not come back at once.", () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 0.999, noNaN: true }), (chance) => {
      const policy = new RetryPolicy({ reconnect: "auto", canAskLater: true, random: () => chance });
      policy.stood();
      const verdict = policy.lost(loss(60_000));
      assert.ok(verdict.next === "retry" && verdict.inMs >= 150 && verdict.inMs <= 200);
    }),
  );
});

test("A session that stood makes the waits short again; one that ends at once each time does not.", () => {
  const policy = policyOf();
  const waits: string[] = [];
  for (let round = 0; round < 5; round++) {
    waits.push(waitOf(policy.lost(loss(10))));
    policy.stood();
  }
  assert.deepEqual(waits, ["200", "400", "800", "1600", "3200"]);
  assert.equal(waitOf(policy.lost(loss(3200))), "200");
});

test("The first drop before a session stands is tried again as usual, from the second in a row on after 15 s.", () => {
  const policy = policyOf();
  policy.lost(loss(60_000));
  const drop = () => waitOf(policy.failed(failures("ssh.lost")));
  assert.deepEqual([drop(), drop(), drop()], ["400", "15000 without hurry", "15000 without hurry"]);
  policy.failed(failures("ssh.unreachable"));
  for (let round = 0; round < 4; round++) drop();
  assert.equal(drop(), "30000 without hurry", "a longer wait stays as it is, and no new connection cuts it either");
});

test("A login that worked and is refused now is tried ten times, a minute apart, and then it is the end.", () => {
  const policy = policyOf();
  const refuse = () => waitOf(policy.failed(failures("ssh.auth-failed")));
  for (let round = 0; round < 10; round++) assert.equal(refuse(), "60000 without hurry");
  assert.equal(refuse(), "end: ssh.auth-failed it is");
  policy.stood();
  assert.equal(refuse(), "60000 without hurry", "a login that worked counts anew");
});

test("A login that never worked, a host key that is not the known one, and a defect end it at once.", () => {
  for (const [code, more] of [
    ["ssh.auth-failed", { wasLetIn: false }],
    ["ssh.host-key-changed", {}],
    ["ssh.host-key-unknown", {}],
    ["ssh.host-key-revoked", {}],
    ["internal", {}],
    ["cancelled", {}],
    ["config.invalid", {}],
  ] as const) {
    for (const reconnect of ["auto", "always"] as const) {
      assert.equal(waitOf(policyOf(reconnect).failed(failures(code, more))), `end: ${code} it is`);
    }
  }
});

test("The first connect fails fast, unless it is to be tried always; never is never.", () => {
  for (const [reconnect, wait] of [
    ["never", "end: ssh.unreachable it is"],
    ["auto", "end: ssh.unreachable it is"],
    ["always", "200"],
  ] as const) {
    const policy = new RetryPolicy({ reconnect, canAskLater: true, random: () => 0.999_999 });
    assert.equal(waitOf(policy.failed(failures("ssh.unreachable", { wasLetIn: false }))), wait);
  }
  assert.equal(waitOf(policyOf("never").lost(loss(60_000))), "end: the session was lost");
});

test("A login that was typed is asked for again only where somebody is there to type it.", () => {
  assert.equal(waitOf(policyOf().lost(loss(60_000, { needs: "person" }))), "200");
  const verdict = policyOf("auto", false).lost(loss(60_000, { needs: "person" }));
  assert.ok(verdict.next === "end");
  assert.match(verdict.reason.message, /^the session was lost; the login was typed, and nobody is there/);
  assert.equal(verdict.reason.exitCode, 255);
});

test("Nobody is asked for one session more while another one stands.", () => {
  const othersStand = true;
  assert.equal(waitOf(policyOf().lost(loss(60_000, { othersStand }))), "200");
  for (const needs of ["person", "touch"] as const) {
    const verdict = policyOf().lost(loss(60_000, { needs, othersStand }));
    assert.equal(waitOf(verdict), "end: the session was lost; its login cannot be repeated without asking");
  }
});

test("Who asks during an attempt cuts the wait after it short, where it may be.", () => {
  const wait = { next: "retry", inMs: 30_000, mayHurry: true } as const;
  assert.deepEqual([cutShort(wait, 700.5), cutShort(wait, -5)].map(waitOf), ["701", "0"]);
  assert.equal(waitOf(cutShort({ ...wait, inMs: 200 }, 700)), "200");
  assert.equal(waitOf(cutShort({ ...wait, mayHurry: false }, 700)), "30000 without hurry");
  assert.equal(waitOf(cutShort({ next: "end", reason: gone }, 700)), "end: the session was lost");
});

test("A key that wants a touch is asked for once in a minute at most.", () => {
  const policy = policyOf();
  const touch = { needs: "touch" as const };
  assert.equal(waitOf(policy.lost(loss(20_000, touch))), "40000 without hurry");
  assert.equal(waitOf(policy.lost(loss(70_000, touch))), "200");
  assert.equal(waitOf(policy.failed(failures("ssh.unreachable", touch))), "400", "the key was not asked");
  assert.equal(waitOf(policy.failed(failures("ssh.lost", touch))), "60000 without hurry");
});
