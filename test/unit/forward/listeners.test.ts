import assert from "node:assert/strict";
import { test } from "node:test";
import { type ForwardFlag, parseForwardSpec } from "../../../src/codec/words/forward-spec.ts";
import { nameForwards } from "../../../src/config/forward.ts";
import { PorthopError } from "../../../src/errors.ts";
import type { Inbound } from "../../../src/flow/conn.ts";
import { Listeners, type ListenersOptions } from "../../../src/forward/listeners.ts";
import type { ForwardingSession } from "../../../src/forward/pairing.ts";
import type { Uplink } from "../../../src/forward/uplink/uplink.ts";
import { quiet } from "../../kit/carried-flow.ts";
import { type MadeUp, MadeUpSession, uplinkWith } from "../../kit/made-up-session.ts";
import { refusal } from "../../kit/refusal.ts";
import { freePort } from "../../kit/servers.ts";
import { warningTo } from "../../kit/telling.ts";

const { signal } = new AbortController();
const taken = new PorthopError("forward.refused", "the server does not listen on localhost:8080", { leg: 1 });

/** A server on which 8080 is taken. */
const without8080: MadeUp = {
  listen: (wanted) =>
    "port" in wanted && wanted.port === 8080 ? Promise.reject(taken) : Promise.resolve({ addresses: [wanted] }),
};

const remarking = (...remarks: string[]): MadeUp => ({ listen: async (wanted) => ({ addresses: [wanted], remarks }) });

const forwardsOf = (...texts: string[]) =>
  nameForwards(
    texts.map((text) => parseForwardSpec(text.slice(0, 1) as ForwardFlag, text.slice(1))),
    false,
  );

/** Listeners, and what they tell and accept, one line each. */
function listenersWith(uplink: Uplink<ForwardingSession> | undefined, changes: Partial<ListenersOptions> = {}) {
  const told: string[] = [];
  const telling = warningTo((text) => told.push(`warning ${text}`));
  telling.bus.onPublic((event) => {
    if (event.event === "error") told.push(`error ${event.error.code}`);
    else if (event.event === "listening") told.push(`${event.forward} listens: ${event.side}`);
    else told.push(event.event);
  });
  const accept: ConstructorParameters<typeof Listeners>[0]["accept"] = ({ id, side }, _source, { session }) =>
    void told.push(`${id} ${side} accepts, leg 2 is known: ${session !== undefined}`);
  const options = { family: undefined, unix: { mask: 0o177 }, exitOnForwardFailure: true, telling, ...changes };
  return { listeners: new Listeners({ accept }, uplink, options), told };
}

test("They are set up in their order, each is told with its remarks, and what comes in is accepted for it.", async () => {
  const session = new MadeUpSession(1, {
    listen: async (wanted) => ({ addresses: [wanted], remarks: ["others can connect to it"] }),
  });
  const { listeners, told } = listenersWith(uplinkWith(session));
  assert.deepEqual(await listeners.open(forwardsOf("R8080:db:1", "R8081:db:2"), signal), ["R1", "R2"]);
  session.connect("localhost:8081", inbound);
  assert.deepEqual(told, [
    "R1 listens: server",
    "warning R1: others can connect to it",
    "R2 listens: server",
    "warning R2: others can connect to it",
    "R2 server accepts, leg 2 is known: true",
  ]);
});

test("A close closes each of them.", async () => {
  const session = new MadeUpSession();
  const { listeners } = listenersWith(uplinkWith(session));
  await listeners.open(forwardsOf("R8080:db:1", "R8081:db:2"), signal);
  await listeners.close();
  assert.deepEqual(session.listening, []);
});

test("One that cannot be set up is the end, or is told and left out, as ExitOnForwardFailure says.", async () => {
  const forwards = forwardsOf("R8080:db:1", "R8081:db:2");
  const strict = listenersWith(uplinkWith(new MadeUpSession(1, without8080)));
  assert.equal(await refusal(strict.listeners.open(forwards, signal)), taken);
  assert.deepEqual(strict.told, []);
  const lax = listenersWith(uplinkWith(new MadeUpSession(1, without8080)), { exitOnForwardFailure: false });
  assert.deepEqual(await lax.listeners.open(forwards, signal), ["R2"]);
  assert.deepEqual(lax.told, ["error forward.refused", "R2 listens: server"]);
});

test("A stop, or a lost session, in the midst of them is the end of all, and no forward's failure.", async () => {
  for (const end of ["stop", "loss"] as const) {
    const stopped = new AbortController();
    const cancelled = new PorthopError("cancelled", "stopped by SIGINT");
    const session = new MadeUpSession(1, {
      listen: async (wanted) => {
        if ("port" in wanted && wanted.port === 8081) {
          if (end === "loss") throw session.lose();
          stopped.abort(cancelled);
        }
        return { addresses: [wanted] };
      },
    });
    const uplink = uplinkWith(session);
    void session.lost.then((reason) => uplink.end(reason));
    const { listeners, told } = listenersWith(uplink, { exitOnForwardFailure: false });
    const forwards = forwardsOf("R8080:db:1", "R8081:db:2", "R8082:db:3", `L127.0.0.1:${await freePort()}:db:4`);
    const reason = await refusal(listeners.open(forwards, stopped.signal));
    assert.equal(reason, end === "stop" ? cancelled : session.goneBy);
    assert.deepEqual(told, ["R1 listens: server", ...(end === "stop" ? ["R2 listens: server"] : [])]);
    await listeners.close();
  }
});

test("A later session that lacks one of them leaves it out, and the others are told of again.", async () => {
  const first = new MadeUpSession(1);
  const uplink = uplinkWith(first);
  const { listeners, told } = listenersWith(uplink);
  await listeners.open(forwardsOf("R8080:db:1", "R8081:db:2"), signal);
  told.length = 0;
  first.lose();
  const second = new MadeUpSession(2, without8080);
  uplink.stands(second);
  await quiet();
  second.connect("localhost:8081", inbound);
  assert.deepEqual(told, ["R2 listens: server", "R2 server accepts, leg 2 is known: true"]);
  await listeners.close();
});

test("A remark is made again only when the next session's listener has another one.", async () => {
  const first = new MadeUpSession(1, remarking("others can connect to it"));
  const uplink = uplinkWith(first);
  const { listeners, told } = listenersWith(uplink);
  await listeners.open(forwardsOf("R8080:db:1"), signal);
  let last = first;
  for (const remarks of [["others can connect to it"], ["others can connect to it", "a part of it is taken"], []]) {
    told.length = 0;
    last.lose();
    last = new MadeUpSession(2, remarking(...remarks));
    uplink.stands(last);
    await quiet();
    const isNew = remarks.length === 2;
    assert.deepEqual(told, ["R1 listens: server", ...(isNew ? ["warning R1: a part of it is taken"] : [])]);
  }
});

test("One that was refused at first and left out is asked for with each later session.", async () => {
  const first = new MadeUpSession(1, without8080);
  const uplink = uplinkWith(first);
  const { listeners, told } = listenersWith(uplink, { exitOnForwardFailure: false });
  assert.deepEqual(await listeners.open(forwardsOf("R8080:db:1", "R8081:db:2"), signal), ["R2"]);
  told.length = 0;
  first.lose();
  const second = new MadeUpSession(2);
  uplink.stands(second);
  await quiet();
  assert.deepEqual(told.sort(), ["R1 listens: server", "R2 listens: server"]);
  await listeners.close();
  assert.deepEqual(second.listening, []);
});

test("Without an uplink they are a relay's; any other forward is a defect, and never left out.", async () => {
  const { listeners, told } = listenersWith(undefined);
  const relays = forwardsOf(`L127.0.0.1:${await freePort()}:db:1`).map((forward) => ({
    ...forward,
    kind: "relay" as const,
  }));
  assert.deepEqual(await listeners.open(relays, signal), ["L1"]);
  assert.deepEqual(told, ["L1 listens: here"]);
  assert.equal((await refusal(listeners.open(forwardsOf("L1:db:1"), signal))).code, "internal");
  await listeners.close();
});

const inbound: Inbound = {
  origin: { host: "127.0.0.1", port: 1000 },
  leg: { from: undefined, to: undefined, observed: false },
  accept: () => assert.fail(),
  refuse: assert.fail,
};
