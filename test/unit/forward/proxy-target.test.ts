import assert from "node:assert/strict";
import { test } from "node:test";
import { PorthopError } from "../../../src/errors.ts";
import { carry } from "../../../src/flow/carry.ts";
import type { Dialer } from "../../../src/flow/conn.ts";
import { openProxyRemark, type ProxyOptions, proxyTarget } from "../../../src/forward/proxy-target.ts";
import type { AskedConnection } from "../../../src/forward/target-source.ts";
import type { Watcher } from "../../../src/plugin.ts";
import { askedBy } from "../../kit/asked.ts";
import { broken, chainOf, liveFlow, originAddress, quiet, stateOf } from "../../kit/carried-flow.ts";
import { connPair, type MemoryConn, readAll } from "../../kit/memory-conn.ts";
import { bytes, connectRequest, greeting5, request4, request5 } from "../../kit/proxy-bytes.ts";
import { refusal } from "../../kit/refusal.ts";

const succeeded = "05 00 00 01 00 00 00 00 00 00";
const db = { host: "db", port: 5432 };
const refused = new PorthopError("target.refused", "the target db:5432 refused the connection", { leg: 3 });

test("A client is heard out and answered only when the dial told its result.", async () => {
  const { client, asked } = begin();
  await client.write(greeting5);
  assert.equal(hex(await client.read()), "05 00");
  await client.write(request5("db", 5432));
  const { inbound, target } = await asked;
  assert.deepEqual([target, inbound.origin], [db, originAddress]);
  const answer = client.read();
  assert.equal(await stateOf(answer), "pending");
  const conn = await inbound.accept();
  assert.equal(hex(await answer), succeeded);
  await client.write(bytes([1, 2, 3]));
  assert.equal(hex(await conn.read()), "01 02 03");
  await conn.write(bytes([4]));
  assert.equal(hex(await client.read()), "04");
});

test("What a client says before it was answered goes to the target first, and its end after it.", async () => {
  const { client, asked } = begin();
  await client.write(bytes([], "early, ", request4("1.2.3.4", 80)).subarray(7));
  const { client: eager, asked: alsoAsked } = begin();
  await eager.write(bytes([], "", greeting5, request5("db", 5432), Buffer.from("early, ")));
  await eager.write(Buffer.from("late"));
  await eager.end();
  const conn = await (await alsoAsked).inbound.accept();
  assert.equal(Buffer.from(await readAll(conn)).toString(), "early, late");
  await conn.end();
  assert.equal(hex(await readAll(eager)), `05 00 ${succeeded}`);
  assert.deepEqual((await asked).target, { host: "1.2.3.4", port: 80 });
});

test("A refusal is said, ended and read, and nothing breaks.", async () => {
  const { client, asked } = begin();
  await client.write(connectRequest("db:5432"));
  (await asked).inbound.refuse(refused);
  const answer = Buffer.from(await readAll(client)).toString();
  assert.match(answer, /^HTTP\/1\.1 502 Bad Gateway\r\n.*\r\n\r\nleg 3: the target db:5432 refused the connection\n$/s);
  await client.end();
  await quiet();
  assert.equal(client.aborted, undefined);
});

test("Whoever was refused and does not leave is cut off, also while it goes on talking.", async () => {
  const { client, asked } = begin({ farewellMs: 20 });
  await client.write(request4("1.2.3.4", 80));
  (await asked).inbound.refuse(refused);
  assert.equal(hex(await client.read()), "00 5b 00 00 00 00 00 00");
  await assert.rejects(async () => {
    for (;;) {
      await client.write(bytes([], "still here"));
      await quiet();
    }
  }, refused);
});

test("Whoever is refused for what it asked is answered first, and told of then.", async () => {
  const { client, asked, isTold } = begin();
  const error = refusal(asked);
  await client.write(bytes([], "", greeting5, request5("db", 5432, { command: 3 })));
  assert.equal(hex(await readAll(client)), "05 00 05 07 00 01 00 00 00 00 00 00");
  await client.end();
  assert.equal((await error).message, "SOCKS5 command 3 is not supported, only CONNECT (1)");
  assert.deepEqual([await isTold, client.aborted], [true, undefined]);
});

test("Whoever speaks another protocol is told of, and is not answered in a language that it does not know.", async () => {
  const { client, asked, isTold } = begin();
  const error = refusal(asked);
  await client.write(bytes([], "\x17\x03\x01 hello"));
  assert.equal((await readAll(client)).length, 0);
  await client.write(bytes([], "more of it"));
  await client.end();
  assert.equal((await error).message, 'this is neither SOCKS nor HTTP: "\\x17\\x03\\x01 hello"');
  assert.equal(await isTold, true);
});

for (const [what, said, told] of [
  ["says nothing", [], false],
  ["stops in the middle", [4, 1, 0], true],
  ["agrees on a method and asks for nothing", [...greeting5], true],
] as const) {
  test(`A client that ${what} is cut off when its time is over, and ${told ? "" : "not "}told of.`, async () => {
    const { client, asked, isTold } = begin({ handshakeMs: 20 });
    const error = refusal(asked);
    if (said.length > 0) await client.write(bytes(said));
    assert.equal((await error).message, "the client asked for no target within 0.02 s");
    assert.equal(client.aborted, await error);
    assert.equal(await isTold, told);
  });
}

test("Somebody who never reads cannot hold a refusal open for longer than its time.", async () => {
  const { client, asked, isTold } = begin({ farewellMs: 20, capacityBytes: 0 });
  const error = refusal(asked);
  await client.write(bytes([], "GET / HTTP/1.1\r\n\r\n"));
  assert.match((await error).message, /^this port is a proxy and no web server/);
  assert.deepEqual([client.aborted, await isTold], [await error, true]);
});

test("A client that leaves without asking, or breaks, is let go, and told of when it had begun to ask.", async () => {
  for (const said of [bytes(), Uint8Array.of(5)]) {
    const { client, asked, isTold } = begin();
    const left = refusal(asked);
    if (said.length > 0) await client.write(said);
    await client.end();
    assert.equal((await left).message, "the client left without asking for a target");
    assert.equal((await readAll(client)).length, 0);
    assert.equal(await isTold, said.length > 0);
    const cut = begin();
    const reason = broken(1);
    const error = refusal(cut.asked);
    if (said.length > 0) await cut.client.write(said);
    await quiet();
    cut.client.abort(reason);
    assert.equal(await error, reason);
    assert.equal(await cut.isTold, said.length > 0);
  }
});

test("Who has not asked yet when porthop stops is let go, and who has is not.", async () => {
  const stop = new AbortController();
  const [waiting, served] = [begin({}, stop.signal), begin({}, stop.signal)];
  await waiting.client.write(greeting5);
  await waiting.client.read();
  await served.client.write(request4("1.2.3.4", 80));
  const { inbound } = await served.asked;
  const error = refusal(waiting.asked);
  const reason = new PorthopError("cancelled", "porthop is stopping");
  stop.abort(reason);
  assert.equal(await error, reason);
  assert.deepEqual([waiting.client.aborted, await waiting.isTold], [reason, false]);
  await inbound.accept();
  assert.equal(hex(await served.client.read()), "00 5a 00 00 00 00 00 00");
  assert.equal(await refusal(begin({}, stop.signal).asked), reason);
});

test("A plugin that refuses a flow is a proxy's client told as a prohibition.", async () => {
  const { client, asked } = begin();
  await client.write(bytes([], "", greeting5, request5("db", 5432)));
  const { outcome, seen } = await carried(await asked, (flow) => flow.refuse("not at night"));
  assert.equal(hex(await readAll(client)), "05 00 05 02 00 01 00 00 00 00 00 00");
  await client.end();
  await quiet();
  assert.equal((await outcome).reason, "refused");
  assert.deepEqual(seen, [
    "opened",
    `up ${hex(bytes([], "", greeting5, request5("db", 5432)))}`,
    "down 05 00",
    "down 05 02 00 01 00 00 00 00 00 00",
    "down ends",
    "up ends",
  ]);
});

test("Who watches leg 1 of a refused flow sees also what the client said to the target too early.", async () => {
  const { client, asked } = begin();
  await client.write(bytes([], "", greeting5, request5("db", 5432), Buffer.from("early")));
  const { seen } = await carried(await asked, (flow) => flow.refuse("not at night"));
  await readAll(client);
  await client.end();
  await quiet();
  assert.deepEqual(seen.slice(1, 4), [
    `up ${hex(bytes([], "", greeting5, request5("db", 5432)))}`,
    "down 05 00",
    `up ${hex(Buffer.from("early"))}`,
  ]);
});

test("Who watches leg 1 sees the whole of what the program said and got, in order.", async () => {
  const { client, asked } = begin();
  await client.write(greeting5);
  await client.read();
  await client.write(bytes([], "", request5("db", 5432), Buffer.from("!")));
  const { outcome, seen, target } = await carried(await asked);
  assert.equal(hex(await client.read()), succeeded);
  assert.equal(hex(await target.read()), "21");
  await target.end();
  await client.end();
  assert.equal((await outcome).reason, "ended");
  assert.deepEqual(seen, [
    "opened",
    `up ${hex(greeting5)}`,
    "down 05 00",
    `up ${hex(request5("db", 5432))}`,
    `down ${succeeded}`,
    "up 21",
    ...seen.slice(-2),
  ]);
  assert.deepEqual(seen.slice(-2).sort(), ["down ends", "up ends"]);
});

test("A plain HTTP request goes on as one of the target's own, and leg 1 shows it as the client said it.", async () => {
  const { client, asked } = begin();
  const request = bytes([], "POST http://db:5432/x HTTP/1.1\r\nContent-Length: 4\r\n\r\nbo");
  await client.write(request);
  await client.write(bytes([], "dyand another"));
  const { outcome, seen, target } = await carried(await asked);
  assert.deepEqual((await asked).target, db);
  await target.write(bytes([], "HTTP/1.1 200 OK\r\n\r\npage"));
  await target.end();
  await client.end();
  const head = "POST /x HTTP/1.1\r\nHost: db:5432\r\nContent-Length: 4\r\nConnection: close\r\n\r\n";
  assert.equal(Buffer.from(await readAll(target)).toString(), `${head}body`);
  const answer = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\npage";
  assert.equal(Buffer.from(await readAll(client)).toString(), answer);
  assert.equal((await outcome).reason, "ended");
  assert.equal(seen[0], "opened");
  const of = (direction: string) => seen.filter((each) => each.startsWith(direction));
  assert.deepEqual(of("down"), [`down ${hex(Buffer.from(answer))}`, "down ends"]);
  assert.deepEqual(of("up"), [
    `up ${hex(request.subarray(0, -2))}`,
    `up ${hex(Buffer.from("bo"))}`,
    `up ${hex(Buffer.from("dyand another"))}`,
    "up ends",
  ]);
});

test("A plain HTTP request for a target that refuses is answered with the leg that failed, HEAD without a body.", async () => {
  for (const [method, body] of [
    ["GET", "leg 3: the target db:5432 refused the connection\n"],
    ["HEAD", ""],
  ]) {
    const { client, asked } = begin();
    await client.write(bytes([], `${method} http://db:5432/ HTTP/1.1\r\n\r\n`));
    (await asked).inbound.refuse(refused);
    const answer = Buffer.from(await readAll(client)).toString();
    assert.match(answer, /^HTTP\/1\.1 502 Bad Gateway\r\n/);
    assert.equal(answer.slice(answer.indexOf("\r\n\r\n") + 4), body);
    await client.end();
  }
});

test("A client that breaks off while its target is dialed gets no answer, and no bytes of one are shown.", async () => {
  for (const request of [bytes([], "", greeting5, request5("db", 5432)), connectRequest("db:5432")]) {
    const { client, asked } = begin();
    await client.write(request);
    const dial: Dialer["dial"] = (_target, _origin, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    const { outcome, seen } = await carried(await asked, undefined, { dial });
    await quiet();
    const reason = broken(1);
    client.abort(reason);
    assert.deepEqual(await outcome, { reason: "aborted", error: reason });
    await quiet();
    assert.deepEqual(seen.at(-1), "aborted up");
    assert.doesNotMatch(seen.join(), /down 05 0[1-8]|down 48 54 54 50/);
  }
});

test("Only a proxy that others can reach is remarked on, with the cure.", () => {
  assert.equal(
    openProxyRemark([{ host: "127.0.0.1", port: 1 }, { host: "::1", port: 1 }, { path: "/run/s" }]),
    undefined,
  );
  assert.equal(
    openProxyRemark([
      { host: "0.0.0.0", port: 1080 },
      { host: "::", port: 1080 },
    ]),
    "anyone who can reach 0.0.0.0:1080 can use it as a proxy, for it asks for no password: leave out the bind address (and -g) to keep it to this machine",
  );
});

interface Begun {
  readonly client: MemoryConn;
  readonly asked: Promise<AskedConnection>;
  /** True when the refusal is one that people and plugins hear of. */
  readonly isTold: Promise<boolean>;
}

function begin(
  options: Partial<ProxyOptions> & { capacityBytes?: number } = {},
  signal: AbortSignal = new AbortController().signal,
): Begun {
  const { capacityBytes = 65_536, ...times } = options;
  const [client, near] = connPair({ capacityBytes });
  const source = proxyTarget(times);
  const leg = { from: originAddress, to: { host: "127.0.0.1", port: 1080 }, observed: true };
  const inbound = { origin: originAddress, leg, accept: () => Promise.resolve(near), refuse: assert.fail };
  const known = Promise.resolve(source(inbound, signal));
  const isTold = known.then(
    (asked) => "refused" in asked,
    () => false,
  );
  return { client, asked: askedBy(known), isTold };
}

/** What was asked for, carried to a target in memory, and all that a watcher of leg 1 is told. */
async function carried(
  { inbound }: AskedConnection,
  also?: (flow: { refuse(reason: string): never }) => void,
  otherDialer?: Dialer,
) {
  const [far, target] = connPair();
  const dialer: Dialer = otherDialer ?? {
    dial: async (to) => ({ conn: far, leg: { from: undefined, to, observed: false } }),
  };
  const seen: string[] = [];
  const watcher: Watcher = {
    opened: () => void seen.push("opened"),
    bytes: (direction, chunk) => void seen.push(`${direction} ${hex(chunk)}`),
    ended: (direction) => void seen.push(`${direction} ends`),
    aborted: (by) => void seen.push(`aborted ${by}`),
  };
  const chain = await chainOf({
    watching: async (flow, next) => {
      flow.legs[0].watch(watcher);
      also?.(flow);
      await next();
    },
  });
  const outcome = carry({ flow: liveFlow(), inbound, dialer, chain, opened: () => {} });
  return { outcome, seen, target };
}

function hex(chunk: Uint8Array | undefined): string {
  return [...(chunk ?? [])].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
}
