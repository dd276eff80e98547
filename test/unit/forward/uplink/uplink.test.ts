import assert from "node:assert/strict";
import { test } from "node:test";
import type { Address } from "../../../../src/codec/address.ts";
import { PorthopError } from "../../../../src/errors.ts";
import type { Cancel } from "../../../../src/flow/conn.ts";
import { Uplink } from "../../../../src/forward/uplink/uplink.ts";
import { quiet, stateOf } from "../../../kit/carried-flow.ts";
import { lostBy, MadeUpSession } from "../../../kit/made-up-session.ts";
import { refusal } from "../../../kit/refusal.ts";

/** Counts who listens to it. */
class ListenedSignal implements Cancel {
  reason: unknown;
  everListened = 0;
  everLeft = 0;
  readonly #told = new Set<() => void>();

  get aborted(): boolean {
    return this.reason !== undefined;
  }

  get listening(): number {
    return this.#told.size;
  }

  abort(reason: Error): void {
    this.reason = reason;
    for (const told of this.#told) told();
  }

  addEventListener(_type: "abort", told: () => void): void {
    this.everListened += 1;
    this.#told.add(told);
  }

  removeEventListener(_type: "abort", told: () => void): void {
    this.everLeft += 1;
    this.#told.delete(told);
  }
}

const never = new ListenedSignal();
const stopped = new PorthopError("cancelled", "porthop is stopping");

test("Whoever asks while a session stands gets it, and nothing listens to their signal.", async () => {
  const uplink = new Uplink<MadeUpSession>();
  const session = new MadeUpSession();
  assert.equal(uplink.standing, undefined);
  uplink.stands(session);
  assert.equal(uplink.standing, session);
  const signal = new ListenedSignal();
  assert.equal(await uplink.session(signal), session);
  assert.equal(signal.everListened, 0);
});

test("Whoever asks while there is none waits for the next, and gets the second one after the first is gone.", async () => {
  const uplink = new Uplink<MadeUpSession>();
  const [first, second] = [new MadeUpSession(1), new MadeUpSession(2)];
  const early = [uplink.session(never), uplink.session(never)];
  assert.equal(await stateOf(Promise.race(early)), "pending");
  uplink.stands(first);
  assert.deepEqual(await Promise.all(early), [first, first]);
  first.lose();
  const late = uplink.session(never);
  assert.equal(await stateOf(late), "pending");
  uplink.stands(second);
  assert.equal(await late, second);
  assert.equal(await uplink.session(never), second);
  assert.equal(never.listening, 0);
});

test("A session that is gone does not stand, also while its loss is not told yet.", async () => {
  const uplink = new Uplink<MadeUpSession>();
  const session = new MadeUpSession();
  uplink.stands(session);
  session.go();
  assert.equal(uplink.standing, undefined);
  assert.equal(await stateOf(uplink.session(never)), "pending");
});

test("A session that is gone before it is brought is given to nobody.", async () => {
  const uplink = new Uplink<MadeUpSession>();
  const heard: unknown[] = [];
  uplink.onPrimary((session) => heard.push(session));
  const waiting = uplink.session(never);
  const session = new MadeUpSession();
  session.lose();
  uplink.stands(session);
  assert.deepEqual([await stateOf(waiting), uplink.standing, heard], ["pending", undefined, []]);
});

test("Of several sessions each dial gets the one with the fewest bytes on their way, and equals take turns.", async () => {
  const uplink = new Uplink<MadeUpSession>();
  const [first, second] = [new MadeUpSession(1), new MadeUpSession(2)];
  uplink.stands(first);
  uplink.stands(second);
  const given = async () => portOf((await uplink.session(never)).leg.from);
  assert.deepEqual([await given(), await given(), await given()], [1, 2, 1]);
  first.waiting = 70_000;
  assert.deepEqual([await given(), await given()], [2, 2]);
  first.waiting = 0;
  second.waiting = 1;
  assert.equal(await given(), 1);
});

test("The primary session is the oldest that stands; what listens on the server moves when it is lost.", async () => {
  const uplink = new Uplink<MadeUpSession>();
  const [first, second] = [new MadeUpSession(1), new MadeUpSession(2)];
  const heard: unknown[] = [];
  uplink.onPrimary((session) => heard.push(session));
  uplink.stands(first);
  uplink.stands(second);
  assert.deepEqual([uplink.standing, uplink.all, heard], [first, [first, second], [first]]);
  assert.equal(await uplink.primary(never), first);
  first.lose();
  await quiet();
  assert.deepEqual([uplink.standing, uplink.all, heard], [second, [second], [first, second]]);
  assert.equal(await uplink.session(never), second);
});

test("Whoever is held waits no longer than the hold, counted from when they came, and is told what is out.", async () => {
  const uplink = new Uplink<MadeUpSession>({ holdMs: 50 });
  const nowMs = performance.now();
  const late = await refusal(uplink.session(never, nowMs - 50));
  assert.deepEqual([late.code, late.leg, late.message], ["ssh.unreachable", 2, "no session came back within 50ms"]);
  uplink.isOut(lostBy());
  const error = await refusal(uplink.session(never, nowMs));
  assert.equal(error.message, "no session came back within 50ms: the session was lost");
  assert.match(error.hint, /--hold/);
  const waiting = uplink.session(never, performance.now() + 60_000);
  const session = new MadeUpSession();
  uplink.stands(session);
  assert.equal(await waiting, session);
  const unheld = new Uplink<MadeUpSession>({ holdMs: 0 });
  assert.equal((await refusal(unheld.session(never, performance.now()))).message, "no session came back");
});

test("A new connection asks for a session also when it may not wait for it (--hold 0).", async () => {
  let wanted = 0;
  const uplink = new Uplink<MadeUpSession>({ holdMs: 0, wanted: () => (wanted += 1) });
  await refusal(uplink.session(never, performance.now()));
  assert.equal(wanted, 1);
  uplink.stands(new MadeUpSession());
  await uplink.session(never, performance.now());
  assert.equal(wanted, 1, "nothing is missing now");
});

test("Each that asks is told of, and the thousand and first is refused at once.", async () => {
  let wanted = 0;
  const uplink = new Uplink<MadeUpSession>({ holdMs: 60_000, wanted: () => (wanted += 1) });
  const sinceMs = performance.now();
  const waiting = Array.from({ length: 1000 }, () => uplink.session(never, sinceMs));
  assert.deepEqual([wanted, uplink.held], [1000, 1000]);
  assert.match(
    (await refusal(uplink.session(never, sinceMs))).message,
    /^1000 connections wait for the session already/,
  );
  assert.equal(wanted, 1001);
  const session = new MadeUpSession();
  uplink.stands(session);
  assert.deepEqual(new Set(await Promise.all(waiting)), new Set([session]));
  assert.equal(uplink.held, 0);
});

test("Who gives up waiting is told why, and leaves nothing behind.", async () => {
  const uplink = new Uplink<MadeUpSession>();
  const signal = new ListenedSignal();
  const [patient, hasty] = [uplink.session(never), uplink.session(signal)];
  assert.equal(signal.listening, 1);
  signal.abort(stopped);
  assert.equal(await refusal(hasty), stopped);
  assert.equal(signal.listening, 0);
  const session = new MadeUpSession();
  uplink.stands(session);
  assert.equal(await patient, session);
  assert.equal(await refusal(uplink.session(signal)), stopped, "nor does it get one that is there");
  assert.deepEqual([signal.everListened, signal.everLeft], [1, 1], "the session that came was not for them");
});

test("Who was given a session listens to their signal no more, nor does who was told that there will be none.", async () => {
  for (const comes of [true, false]) {
    const uplink = new Uplink<MadeUpSession>();
    const signal = new ListenedSignal();
    const waiting = uplink.session(signal);
    if (comes) uplink.stands(new MadeUpSession());
    else uplink.end(stopped);
    await waiting.catch(() => {});
    assert.deepEqual([signal.everListened, signal.listening], [1, 0]);
  }
});

test("Once there will be none any more all that wait are told why, and all to come.", async () => {
  const uplink = new Uplink<MadeUpSession>();
  const waiting = [uplink.session(never), uplink.session(never)];
  const reason = lostBy();
  uplink.end(reason);
  for (const each of waiting) assert.equal(await refusal(each), reason);
  assert.equal(await refusal(uplink.session(never)), reason);
  uplink.end(stopped);
  assert.equal(await refusal(uplink.session(never)), reason, "the first reason counts");
  assert.throws(() => uplink.stands(new MadeUpSession()), reason);
});

test("A session that stands at the end is given out until it is gone.", async () => {
  const uplink = new Uplink<MadeUpSession>();
  const session = new MadeUpSession();
  uplink.stands(session);
  uplink.end(stopped);
  assert.equal(await uplink.session(never), session);
  session.go();
  assert.equal(await refusal(uplink.session(never)), stopped);
});

test("Each session is heard of before a dial that waits gets it, the present one at once.", async () => {
  const uplink = new Uplink<MadeUpSession>();
  const order: string[] = [];
  uplink.onPrimary(({ leg: { from } }) => order.push(`first hears ${portOf(from)}`));
  const dialing = uplink.session(never).then(({ leg: { from } }) => order.push(`dial gets ${portOf(from)}`));
  uplink.stands(new MadeUpSession(1));
  await dialing;
  assert.deepEqual(order.splice(0), ["first hears 1", "dial gets 1"]);
  const stop = uplink.onPrimary(({ leg: { from } }) => order.push(`second hears ${portOf(from)}`));
  assert.deepEqual(order.splice(0), ["second hears 1"]);
  uplink.standing?.lose();
  const second = new MadeUpSession(2);
  uplink.stands(second);
  assert.deepEqual(order.splice(0), ["first hears 2", "second hears 2"]);
  stop();
  second.lose();
  uplink.stands(new MadeUpSession(3));
  assert.deepEqual(order, ["first hears 3"]);
});

test("Who is stopped by somebody who hears before them hears no more, not even this session.", () => {
  const uplink = new Uplink<MadeUpSession>();
  const heard: string[] = [];
  uplink.onPrimary(() => {
    heard.push("first");
    stopSecond();
  });
  const stopSecond = uplink.onPrimary(() => heard.push("second"));
  uplink.stands(new MadeUpSession());
  assert.deepEqual(heard, ["first"]);
});

test("Where somebody who hears of a session finds it gone, the dials wait on.", async () => {
  const uplink = new Uplink<MadeUpSession>();
  uplink.onPrimary((session) => {
    if (session === bad) session.go();
  });
  const waiting = uplink.session(never);
  const [bad, good] = [new MadeUpSession(1), new MadeUpSession(2)];
  uplink.stands(bad);
  assert.equal(await stateOf(waiting), "pending");
  uplink.stands(good);
  assert.equal(await waiting, good);
});

function portOf(address: Address | undefined): number | undefined {
  return address !== undefined && "port" in address ? address.port : undefined;
}

test("A session that comes later takes its turn, and not every dial until it has caught up.", async () => {
  const uplink = new Uplink<MadeUpSession>();
  const [first, second] = [new MadeUpSession(1), new MadeUpSession(2)];
  uplink.stands(first);
  for (let dial = 0; dial < 10; dial++) assert.equal(await uplink.session(new AbortController().signal), first);
  uplink.stands(second);
  const got = [];
  for (let dial = 0; dial < 4; dial++) got.push(await uplink.session(new AbortController().signal));
  assert.equal(got.filter((session) => session === second).length, 2);
});
