import assert from "node:assert/strict";
import { test } from "node:test";
import { PorthopError } from "../../../../src/errors.ts";
import { channelDialer } from "../../../../src/forward/uplink/channel-dialer.ts";
import { Uplink } from "../../../../src/forward/uplink/uplink.ts";
import { stateOf } from "../../../kit/carried-flow.ts";
import { lostBy, MadeUpSession, uplinkWith } from "../../../kit/made-up-session.ts";
import { connPair } from "../../../kit/memory-conn.ts";
import { refusal } from "../../../kit/refusal.ts";

const origin = { host: "127.0.0.1", port: 33458 };
const target = { host: "db", port: 5432 };
const { signal } = new AbortController();

test("A target is dialed by the server, through a channel of the session.", async () => {
  const [conn] = connPair();
  const asked: unknown[] = [];
  const session = new MadeUpSession();
  const uplink = uplinkWith(
    Object.assign(session, {
      openChannel: async (...words: unknown[]) => {
        asked.push(...words);
        return conn;
      },
    }),
  );
  const dialed = await channelDialer(uplink).dial(target, origin, signal);
  assert.equal(dialed.conn, conn);
  assert.deepEqual(asked, [target, origin, signal]);
});

test("The session that a dial would go through is told before it, and is another one once that stands.", () => {
  const uplink = new Uplink<MadeUpSession>();
  const dialer = channelDialer(uplink);
  assert.equal(dialer.through, undefined);
  for (const session of [new MadeUpSession(1), new MadeUpSession(2)]) {
    uplink.stands(session);
    assert.equal(dialer.through, session.leg);
    session.lose();
  }
});

test("The locator hears of a dial before the channel is asked for, and once it is there.", async () => {
  const session = new MadeUpSession();
  await channelDialer(uplinkWith(session)).dial(target, origin, signal);
  assert.deepEqual(session.asked, ["dialing db:5432", "dial db:5432", "dialed db:5432"]);
});

test("Of leg 3 only the target is known, and that it was not seen; who asks is told what the server knows.", async () => {
  const session = new MadeUpSession();
  const { leg } = await channelDialer(uplinkWith(session)).dial(target, origin, signal);
  assert.deepEqual([leg.from, leg.to, leg.observed], [undefined, target, false]);
  assert.equal(session.asked.includes("locate db:5432"), false, "nobody has asked yet");
  assert.deepEqual(await leg.locate?.(), { from: { host: "10.0.0.2", port: 33450 }, to: target });
});

test("A channel that is refused is refused with the session's own reason, and the dial is over.", async () => {
  const refused = new PorthopError("target.refused", "no", { leg: 3 });
  const session = new MadeUpSession(1, { open: () => Promise.reject(refused) });
  const error = await refusal(channelDialer(uplinkWith(session)).dial(target, origin, signal));
  assert.equal(error, refused);
  assert.equal(session.asked.at(-1), "dialed db:5432");
});

test("After the first session is gone targets are dialed by the second, and leg 2 is the one that dialed.", async () => {
  const [first, second] = [new MadeUpSession(1), new MadeUpSession(2)];
  const uplink = uplinkWith(first);
  const dialer = channelDialer(uplink);
  const early = await dialer.dial(target, origin, signal);
  assert.equal(early.session, first.leg);
  first.lose();
  uplink.stands(second);
  const late = await dialer.dial(target, origin, signal);
  assert.equal(late.session, second.leg);
  assert.deepEqual([first.targets.length, second.targets.length], [1, 1]);
  await late.conn.write(Buffer.from("x"));
  assert.equal((await second.targets[0]?.read())?.length, 1, "it is the second's channel");
});

test("While there is no session a dial waits, and is made by the one that comes.", async () => {
  const uplink = new Uplink<MadeUpSession>();
  const dialing = channelDialer(uplink).dial(target, origin, signal);
  assert.equal(await stateOf(dialing), "pending");
  const session = new MadeUpSession();
  uplink.stands(session);
  assert.equal((await dialing).session, session.leg);
  assert.equal(session.targets.length, 1);
});

test("A dial whose session is lost before the channel opens is made by the next session, and says how long it waited.", async () => {
  const uplink = new Uplink<MadeUpSession>({ holdMs: 60_000 });
  const opening = Promise.withResolvers<never>();
  const [first, second] = [new MadeUpSession(1, { open: () => opening.promise }), new MadeUpSession(2)];
  uplink.stands(first);
  const waits: number[] = [];
  const held = { sinceMs: performance.now(), waited: (ms: number) => waits.push(ms) };
  const dialing = channelDialer(uplink).dial(target, origin, signal, held);
  assert.equal(await stateOf(dialing), "pending");
  opening.reject(first.lose());
  assert.equal(await stateOf(dialing), "pending");
  uplink.stands(second);
  assert.equal((await dialing).session, second.leg);
  assert.equal(waits.length, 1);
  assert.deepEqual([first.asked.at(-1), second.asked.at(-1)], ["dialed db:5432", "dialed db:5432"]);
});

test("A dial that hears of the end of its session before the session does is made by the next one too.", async () => {
  const early = new PorthopError("ssh.lost", "the session ended while connecting");
  const [first, second] = [new MadeUpSession(1, { open: () => Promise.reject(early) }), new MadeUpSession(2)];
  const uplink = uplinkWith(first);
  const dialer = channelDialer(uplink);
  const stop = new AbortController();
  const [dialing, leaving] = [dialer.dial(target, origin, signal), dialer.dial(target, origin, stop.signal)];
  assert.equal(await stateOf(dialing), "pending");
  stop.abort(new PorthopError("cancelled", "the client has left"));
  assert.equal(await refusal(leaving), early);
  first.lose();
  uplink.stands(second);
  assert.equal((await dialing).session, second.leg);
});

test("A dial that waits ends with its flow, or with the reason why there will be no session.", async () => {
  const uplink = new Uplink<MadeUpSession>();
  const dialer = channelDialer(uplink);
  const stop = new AbortController();
  const stopped = new PorthopError("cancelled", "the client has left");
  const hasty = dialer.dial(target, origin, stop.signal);
  const patient = dialer.dial(target, origin, signal);
  stop.abort(stopped);
  assert.equal(await refusal(hasty), stopped);
  const reason = lostBy();
  uplink.end(reason);
  assert.equal(await refusal(patient), reason);
});

test("Where several sessions stand, nobody says through which one a dial will go.", () => {
  const uplink = new Uplink<MadeUpSession>();
  const dialer = channelDialer(uplink);
  assert.equal(dialer.through, undefined);
  const [first, second] = [new MadeUpSession(1), new MadeUpSession(2)];
  uplink.stands(first);
  assert.equal(dialer.through, first.leg);
  uplink.stands(second);
  assert.equal(dialer.through, undefined);
});
