import assert from "node:assert/strict";
import { createConnection } from "node:net";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import type { Address } from "../../../src/codec/address.ts";
import { parseRemoteOpen } from "../../../src/codec/config/remote-open.ts";
import { parseForwardSpec } from "../../../src/codec/words/forward-spec.ts";
import { nameForwards } from "../../../src/config/forward.ts";
import type { Inbound } from "../../../src/flow/conn.ts";
import { type Pairing, pair } from "../../../src/forward/pairing.ts";
import type { Session } from "../../../src/ssh/session.ts";
import { connPair } from "../../kit/memory-conn.ts";
import { connectRequest } from "../../kit/proxy-bytes.ts";
import { refusal } from "../../kit/refusal.ts";
import { echoServer } from "../../kit/servers.ts";

const leg = { from: { host: "10.0.0.1", port: 1 }, to: { host: "10.0.0.2", port: 22 }, observed: true };
const session = { leg } as unknown as Session;

test("-L listens here, takes its target from the spec, and dials through the session.", async () => {
  const [forward] = nameForwards([parseForwardSpec("L", "127.0.0.1:1:db:5432")], false);
  assert.ok(forward);
  const pairing = pair({ ...forward, listen: { host: "127.0.0.1", port: 0 } }, session, {
    family: undefined,
    warn: assert.fail,
  });
  assert.deepEqual([pairing.side, pairing.session], ["here", leg]);
  const inbounds: Inbound[] = [];
  const came = Promise.withResolvers<void>();
  const listener = await pairing.listen((inbound) => {
    inbounds.push(inbound);
    came.resolve();
  });
  const [address] = listener.addresses;
  assert.ok("port" in address);
  const socket = createConnection(address.port, "127.0.0.1");
  await came.promise;
  const [inbound] = inbounds;
  assert.ok(inbound);
  const asked = await pairing.targetOf(inbound, new AbortController().signal);
  assert.deepEqual(asked.target, { host: "db", port: 5432 });
  socket.destroy();
  await listener.close();
});

test("-D listens here and takes its target from what a connection asks for.", async () => {
  const [forward] = nameForwards([parseForwardSpec("D", "127.0.0.1:1080")], false);
  assert.ok(forward);
  const pairing = pair(forward, session, { family: undefined, warn: assert.fail });
  assert.deepEqual([pairing.side, pairing.session], ["here", leg]);
  assert.deepEqual(await askedOf(pairing), { host: "db", port: 5432 });
});

test("-R port listens on the server, takes its target from what is asked for, and heeds PermitRemoteOpen.", async () => {
  const [forward] = nameForwards([parseForwardSpec("R", "1080")], false);
  assert.ok(forward);
  const pairing = pair(forward, session, {
    family: undefined,
    remoteOpen: parseRemoteOpen(["none"]),
    warn: assert.fail,
  });
  assert.deepEqual([pairing.side, pairing.session], ["server", leg]);
  const target = await askedOf(pairing);
  assert.deepEqual(target, { host: "db", port: 5432 });
  const origin = { host: "127.0.0.1", port: 1 };
  const error = await refusal(pairing.dialer.dial(target, origin, new AbortController().signal));
  assert.equal(error.message, "PermitRemoteOpen does not allow db:5432");
});

test("Who speaks no proxy protocol is told of with the forward's name.", async () => {
  const [forward] = nameForwards([parseForwardSpec("D", "127.0.0.1:1080")], false);
  assert.ok(forward);
  const warnings: string[] = [];
  const pairing = pair(forward, session, { family: undefined, warn: (text) => void warnings.push(text) });
  await refusal(askedOf(pairing, Buffer.from("hello")));
  assert.match(warnings.join(), /^D1: 127\.0\.0\.1:9 speaks no proxy protocol: /);
});

test("A relay listens here, dials from here, and has no session and no leg 2.", async () => {
  await using server = await echoServer();
  const [forward] = nameForwards([parseForwardSpec("L", `127.0.0.1:1:127.0.0.1:${server.port}`)], false);
  assert.ok(forward);
  const pairing = pair({ ...forward, kind: "relay" }, undefined, { family: undefined, warn: assert.fail });
  assert.deepEqual([pairing.side, pairing.session], ["here", undefined]);
  const target = { host: server.host, port: server.port };
  const { conn, leg: third } = await pairing.dialer.dial(target, { path: "it" }, new AbortController().signal);
  assert.deepEqual([third.to, third.observed], [target, true]);
  await conn.write(Buffer.from("hello"));
  assert.equal(Buffer.from((await conn.read()) ?? []).toString(), "hello");
  await conn.end();
});

test("-W takes the streams that it is given, and dials through the session.", async () => {
  const [forward] = nameForwards([parseForwardSpec("W", "db:5432")], false);
  assert.ok(forward);
  const streams = { input: new PassThrough(), output: new PassThrough() };
  const pairing = pair(forward, session, { family: undefined, warn: assert.fail, streams });
  assert.deepEqual([pairing.side, pairing.session], ["here", leg]);
  const came = Promise.withResolvers<Inbound>();
  await pairing.listen(came.resolve);
  const asked = await pairing.targetOf(await came.promise, new AbortController().signal);
  assert.deepEqual(asked.target, { host: "db", port: 5432 });
});

test("Without a session only a relay can be.", () => {
  const [forward] = nameForwards([parseForwardSpec("L", "1:db:5432")], false);
  assert.ok(forward);
  assert.throws(() => pair(forward, undefined, { family: undefined, warn: assert.fail }), /L1 needs a session/);
});

async function askedOf(pairing: Pairing, request: Uint8Array = connectRequest("db:5432")): Promise<Address> {
  const [client, near] = connPair();
  const inbound: Inbound = {
    origin: { host: "127.0.0.1", port: 9 },
    leg,
    accept: () => Promise.resolve(near),
    refuse: assert.fail,
  };
  await client.write(request);
  const ended = client.end();
  const { target } = await pairing.targetOf(inbound, new AbortController().signal);
  await ended;
  return target;
}
