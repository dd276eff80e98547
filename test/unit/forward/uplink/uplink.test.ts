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
  uplink.onSession((session) => heard.push(session));
  const waiting = uplink.session(never);
  const session = new MadeUpSession();
  session.lose();
  uplink.stands(session);
  assert.deepEqual([await stateOf(waiting), uplink.standing, heard], ["pending", undefined, []]);
});

test("A session that stands while another does takes its place, and a late loss of that one changes nothing.", async () => {
  const uplink = new Uplink<MadeUpSession>();
  const [first, second] = [new MadeUpSession(1), new MadeUpSession(2)];
  uplink.stands(first);
  uplink.stands(second);
  assert.equal(await uplink.session(never), second);
  first.lose();
  await quiet();
  assert.equal(uplink.standing, second);
  assert.equal(await uplink.session(never), second);
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
  uplink.onSession(({ leg: { from } }) => order.push(`first hears ${portOf(from)}`));
  const dialing = uplink.session(never).then(({ leg: { from } }) => order.push(`dial gets ${portOf(from)}`));
  uplink.stands(new MadeUpSession(1));
  await dialing;
  assert.deepEqual(order.splice(0), ["first hears 1", "dial gets 1"]);
  const stop = uplink.onSession(({ leg: { from } }) => order.push(`second hears ${portOf(from)}`));
  assert.deepEqual(order.splice(0), ["second hears 1"]);
  uplink.stands(new MadeUpSession(2));
  assert.deepEqual(order.splice(0), ["first hears 2", "second hears 2"]);
  stop();
  uplink.stands(new MadeUpSession(3));
  assert.deepEqual(order, ["first hears 3"]);
});

test("Who is stopped by somebody who hears before them hears no more, not even this session.", () => {
  const uplink = new Uplink<MadeUpSession>();
  const heard: string[] = [];
  uplink.onSession(() => {
    heard.push("first");
    stopSecond();
  });
  const stopSecond = uplink.onSession(() => heard.push("second"));
  uplink.stands(new MadeUpSession());
  assert.deepEqual(heard, ["first"]);
});

test("Where somebody who hears of a session finds it gone, the dials wait on.", async () => {
  const uplink = new Uplink<MadeUpSession>();
  uplink.onSession((session) => {
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
