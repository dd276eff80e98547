import assert from "node:assert/strict";
import { createConnection } from "node:net";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import type { Address } from "../../../src/codec/address.ts";
import { parseRemoteOpen } from "../../../src/codec/config/remote-open.ts";
import { parseForwardSpec } from "../../../src/codec/words/forward-spec.ts";
import { nameForwards } from "../../../src/config/forward.ts";
import type { Inbound } from "../../../src/flow/conn.ts";
import { Flows } from "../../../src/forward/flows.ts";
import { type Pairing, type PairingOptions, pair } from "../../../src/forward/pairing.ts";
import { Uplink } from "../../../src/forward/uplink/uplink.ts";
import type { TunnelEvent } from "../../../src/plugin.ts";
import { askedBy } from "../../kit/asked.ts";
import { chainOf, quiet } from "../../kit/carried-flow.ts";
import { MadeUpSession, uplinkWith } from "../../kit/made-up-session.ts";
import { connPair } from "../../kit/memory-conn.ts";
import { connectRequest } from "../../kit/proxy-bytes.ts";
import { refusal } from "../../kit/refusal.ts";
import { echoServer } from "../../kit/servers.ts";
import { tellingTo, warningTo } from "../../kit/telling.ts";

const session = new MadeUpSession();
const uplink = uplinkWith(session);
const origin = { host: "127.0.0.1", port: 9 };
const never = new AbortController().signal;

function optionsWith(changes: Partial<PairingOptions> = {}): PairingOptions {
  return { family: undefined, unix: { mask: 0o177 }, telling: warningTo(assert.fail), ...changes };
}

/** What leg 2 is once the pairing has dialed, and where to. */
async function dialedBy({ dialer }: Pairing, target = { host: "db", port: 5432 }) {
  const { session: second, leg } = await dialer.dial(target, origin, never);
  return [second, leg.to];
}

test("-L listens here, takes its target from the spec, and dials through the session.", async () => {
  const [forward] = nameForwards([parseForwardSpec("L", "127.0.0.1:1:db:5432")], false);
  assert.ok(forward);
  const pairing = pair({ ...forward, listen: { host: "127.0.0.1", port: 0 } }, uplink, optionsWith());
  assert.deepEqual(await dialedBy(pairing), [session.leg, { host: "db", port: 5432 }]);
  const inbounds: Inbound[] = [];
  const came = Promise.withResolvers<void>();
  const listener = await pairing.listen((inbound) => {
    inbounds.push(inbound);
    came.resolve();
  }, never);
  const [address] = listener.addresses;
  assert.ok("port" in address);
  const socket = createConnection(address.port, "127.0.0.1");
  await came.promise;
  const [inbound] = inbounds;
  assert.ok(inbound);
  const asked = await askedBy(pairing.targetOf(inbound, never));
  assert.deepEqual(asked.target, { host: "db", port: 5432 });
  socket.destroy();
  await listener.close();
});

test("-D listens here and takes its target from what a connection asks for.", async () => {
  const [forward] = nameForwards([parseForwardSpec("D", "127.0.0.1:1080")], false);
  assert.ok(forward);
  const pairing = pair(forward, uplink, optionsWith());
  assert.deepEqual(await askedOf(pairing), { host: "db", port: 5432 });
  assert.equal((await dialedBy(pairing))[0], session.leg);
});

test("-R port listens on the server, takes its target from what is asked for, and heeds PermitRemoteOpen.", async () => {
  const [forward] = nameForwards([parseForwardSpec("R", "1080")], false);
  assert.ok(forward);
  const there = new MadeUpSession();
  const pairing = pair(forward, uplinkWith(there), optionsWith({ remoteOpen: parseRemoteOpen(["none"]) }));
  await pairing.listen(() => assert.fail(), never);
  assert.deepEqual(there.asked, ["listen localhost:1080 for R1"]);
  const target = await askedOf(pairing);
  assert.deepEqual(target, { host: "db", port: 5432 });
  const error = await refusal(pairing.dialer.dial(target, origin, never));
  assert.equal(error.message, "PermitRemoteOpen does not allow db:5432");
});

test("Who speaks no proxy protocol is told of with the events of a flow, and no plugin is called.", async () => {
  const [forward] = nameForwards([parseForwardSpec("D", "127.0.0.1:1080")], false);
  assert.ok(forward);
  const telling = tellingTo();
  const events: TunnelEvent[] = [];
  const closed = new Promise<void>((resolve) => telling.bus.on("flow.close", () => resolve()));
  telling.bus.onPublic((event) => events.push(event));
  const flows = new Flows(await chainOf({ never: () => assert.fail("no plugin is called") }), telling);
  const { client, inbound } = comes();
  flows.accept(forward, pair(forward, uplink, optionsWith()), inbound);
  await client.write(Buffer.from("hello"));
  await client.end();
  await closed;
  const [opened, over, ...more] = events;
  const { from, to, observed } = session.leg;
  const flow = { flow: "D1#1", forward: "D1", origin, target: null };
  const legs = [
    { leg: 1, from: origin, to: undefined, observed: true },
    { leg: 2, from, to, observed },
    { leg: 3, from: undefined, to: undefined, observed: false },
  ];
  assert.deepEqual(opened, { event: "flow.open", ...flow, legs });
  assert.ok(over?.event === "flow.close");
  const { ms, error, ...rest } = over;
  assert.deepEqual(rest, { event: "flow.close", ...flow, up: 0, down: 0, reason: "refused" });
  assert.deepEqual([error?.leg, error?.message], [1, 'this is neither SOCKS nor HTTP: "hello"']);
  assert.ok(Number.isInteger(ms));
  assert.deepEqual(more, [], "no error is reported besides");
});

test("A relay listens here, dials from here, and has no session and no leg 2.", async () => {
  await using server = await echoServer();
  const [forward] = nameForwards([parseForwardSpec("L", `127.0.0.1:1:127.0.0.1:${server.port}`)], false);
  assert.ok(forward);
  const pairing = pair({ ...forward, kind: "relay" }, undefined, optionsWith());
  const target = { host: server.host, port: server.port };
  const { conn, leg: third, session: second } = await pairing.dialer.dial(target, { path: "it" }, never);
  assert.deepEqual([third.to, third.observed, second], [target, true, undefined]);
  await conn.write(Buffer.from("hello"));
  assert.equal(Buffer.from((await conn.read()) ?? []).toString(), "hello");
  await conn.end();
});

test("-W takes the streams that it is given, and dials through the session.", async () => {
  const [forward] = nameForwards([parseForwardSpec("W", "db:5432")], false);
  assert.ok(forward);
  const streams = { input: new PassThrough(), output: new PassThrough() };
  const pairing = pair(forward, uplink, optionsWith({ streams }));
  assert.equal((await dialedBy(pairing))[0], session.leg);
  const came = Promise.withResolvers<Inbound>();
  await pairing.listen(came.resolve, never);
  const asked = await askedBy(pairing.targetOf(await came.promise, never));
  assert.deepEqual(asked.target, { host: "db", port: 5432 });
});

test("Without a session only a relay can be.", () => {
  const [forward] = nameForwards([parseForwardSpec("L", "1:db:5432")], false);
  assert.ok(forward);
  assert.throws(() => pair(forward, undefined, optionsWith()), /L1 needs a session/);
});

test("-R says of what comes in which session it came by, also when it has asked for a target.", async () => {
  for (const spec of ["8080:db:5432", "8080"]) {
    const [forward] = nameForwards([parseForwardSpec("R", spec)], false);
    assert.ok(forward);
    const there = new MadeUpSession();
    const pairing = pair(forward, uplinkWith(there), optionsWith());
    const came = Promise.withResolvers<Inbound>();
    await pairing.listen(came.resolve, never);
    const { inbound, client } = comes();
    there.connect("localhost:8080", inbound);
    if (spec === "8080") await client.write(connectRequest("db:5432"));
    const asked = await askedBy(pairing.targetOf(await came.promise, never));
    assert.deepEqual([asked.target, asked.inbound.session], [{ host: "db", port: 5432 }, there.leg]);
  }
});

test("A flow is carried by the second session once the first is gone, and waits while there is none.", async () => {
  const [forward] = nameForwards([parseForwardSpec("L", "8080:db:5432")], false);
  assert.ok(forward);
  const sessions = new Uplink<MadeUpSession>();
  const telling = tellingTo();
  const told: unknown[] = [];
  telling.bus.on("flow.open", ({ flow, legs }) => told.push([flow, legs[1]?.from]));
  telling.bus.on("flow.close", ({ flow, reason, error }) => told.push([flow, reason, error?.code]));
  const flows = new Flows(await chainOf({}), telling);
  const pairing = pair(forward, sessions, optionsWith());
  const [first, second] = [new MadeUpSession(1), new MadeUpSession(2)];
  sessions.stands(first);
  flows.accept(forward, pairing, comes().inbound);
  await quiet();
  first.lose();
  flows.accept(forward, pairing, comes().inbound);
  await quiet();
  assert.deepEqual(told.splice(0), [
    ["L1#1", first.leg.from],
    ["L1#1", "aborted", "ssh.lost"],
  ]);
  assert.equal(flows.open, 1, "the second waits");
  sessions.stands(second);
  await quiet();
  assert.deepEqual(told.splice(0), [["L1#2", second.leg.from]]);
  await flows.drain(Promise.resolve());
  assert.deepEqual(told, [["L1#2", "aborted", "cancelled"]]);
});

/** A connection that came in, and the client's end of it. */
function comes() {
  const [client, near] = connPair();
  const inbound: Inbound = {
    origin,
    leg: { from: origin, to: undefined, observed: true },
    accept: () => Promise.resolve(near),
    refuse: assert.fail,
  };
  return { client, inbound };
}

async function askedOf(pairing: Pairing, request: Uint8Array = connectRequest("db:5432")): Promise<Address> {
  const { client, inbound } = comes();
  await client.write(request);
  const ended = client.end();
  const { target } = await askedBy(pairing.targetOf(inbound, never));
  await ended;
  return target;
}
