import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import { PorthopError } from "../../../src/errors.ts";
import type { EventNamed } from "../../../src/flow/event.ts";
import type { Wire } from "../../../src/plugin.ts";
import { type Hop, Route, type RoutePlan } from "../../../src/ssh/route.ts";
import { readAll, writeAll } from "../../kit/memory-conn.ts";
import { randomBytes, sha256 } from "../../kit/random.ts";
import { refusal } from "../../kit/refusal.ts";
import { echoServer, freePort } from "../../kit/servers.ts";
import { type SshServer, startSshServer } from "../../kit/ssh-server.ts";
import { tellingTo } from "../../kit/telling.ts";
import { easyTrust } from "../../kit/trust.ts";
import { Waiting } from "../../kit/waiting.ts";

const timeout = 30_000;
const never = new AbortController().signal;
const origin = { host: "127.0.0.1", port: 33458 };

class Played {
  readonly route: Route;
  readonly story: string[] = [];
  readonly sessions: EventNamed<"session">[] = [];
  readonly wires: Wire[] = [];
  readonly #waiting = new Waiting();

  constructor(plan: RoutePlan) {
    const telling = tellingTo();
    this.route = new Route(plan, telling);
    telling.bus.on("wire", ({ viewFor }) => void this.wires.push(viewFor("test")));
    telling.bus.on("session", (event) => {
      this.sessions.push(event);
      this.story.push(`${event.state} ${event.hop ?? "destination"}`);
      this.#waiting.change();
    });
  }

  told(what: string): Promise<unknown> {
    return this.#waiting.until(what, () => (this.story.includes(what) ? true : undefined));
  }
}

function hop({ host, port }: { host: string; port: number }, changes: Partial<Hop> = {}): Hop {
  return {
    settings: {
      ...{ host, port, user: "anna", connectTimeoutMs: 10_000, keepAliveIntervalMs: 0, keepAliveCountMax: 0 },
      handshakeTimeoutMs: 10_000,
      attempts: 1,
      ...{ algorithms: {}, isJump: true },
    },
    trust: async () => easyTrust(),
    ...changes,
  };
}

async function servers(count: number): Promise<SshServer[] & AsyncDisposable> {
  const started = await Promise.all(Array.from({ length: count }, () => startSshServer()));
  return Object.assign(started, {
    async [Symbol.asyncDispose]() {
      for (const server of started) await server.close();
    },
  });
}

test("Each session is carried by a channel of the one before, and the last one carries the flows.", {
  timeout,
}, async () => {
  await using all = await servers(3);
  await using echo = await echoServer();
  const played = new Played({ hops: all.map((server) => hop(server)) });
  const session = await played.route.connect(never);
  const conn = await session.openChannel({ host: "127.0.0.1", port: echo.port }, origin, never);
  const content = randomBytes(500_000);
  const [, back] = await Promise.all([writeAll(conn, [content]), readAll(conn)]);
  assert.equal(sha256(Buffer.from(back)), sha256(content));
  assert.deepEqual(
    all.map(({ counts }) => [counts.connections, counts.requests.map(({ destPort }) => destPort)]),
    [
      [1, [all[1]?.port]],
      [1, [all[2]?.port]],
      [1, [echo.port]],
    ],
  );
  assert.equal(session.hop, 3);
  assert.deepEqual(session.leg, {
    from: undefined,
    to: { host: "127.0.0.1", port: all[2]?.port },
    observed: false,
    session: "S3",
  });
  await played.route.close();
  assert.deepEqual(played.story, [
    ...["connecting 1", "ready 1", "connecting 2", "ready 2", "connecting destination", "ready destination"],
    ...["closed destination", "closed 2", "closed 1"],
  ]);
  for (const server of all) await server.idle();
});

test("Each session is told with the user that logs in, and from when it is ready with its own facts.", {
  timeout,
}, async () => {
  await using all = await servers(2);
  const [gate, inner] = all;
  assert.ok(gate !== undefined && inner !== undefined);
  const played = new Played({ hops: [hop(gate), hop(inner)] });
  const { facts } = await played.route.connect(never);
  await played.route.close();
  const first = { event: "session", id: "S1", host: gate.host, port: gate.port, user: "anna", attempt: 1, hop: 1 };
  const last = { event: "session", id: "S2", host: inner.host, port: inner.port, user: "anna", attempt: 1 };
  const [connecting, ready, lastConnecting, lastReady, lastClosed, closed] = played.sessions;
  assert.deepEqual(
    [connecting, lastConnecting],
    [
      { ...first, state: "connecting" },
      { ...last, state: "connecting" },
    ],
  );
  const { local, remote, cipher, kex, hostKey } = facts;
  const known = { local, remote, cipher, kex, hostKey };
  assert.deepEqual(
    [lastReady, lastClosed],
    [
      { ...last, state: "ready", ...known },
      { ...last, state: "closed", ...known },
    ],
  );
  assert.deepEqual(ready?.remote, { host: "127.0.0.1", port: gate.port });
  assert.ok(ready?.local !== undefined && ready.hostKey !== undefined && ready.hostKey !== hostKey);
  assert.deepEqual(closed, { ...ready, state: "closed" });
  assert.equal(played.sessions.length, 6);
});

test("Who watches leg 2 sees each session, with its place and what is known of it.", { timeout }, async () => {
  await using all = await servers(2);
  const played = new Played({ hops: all.map((server) => hop(server)) });
  await played.route.connect(never);
  const [first, second] = played.wires;
  assert.deepEqual(
    [first, second].map((wire) => [wire?.id, wire?.hop, wire?.host, wire?.port, wire?.observed]),
    all.map(({ host, port }, index) => [`S${index + 1}`, index + 1, host, port, index === 0]),
  );
  assert.ok(first?.from !== undefined);
  assert.deepEqual([second?.from, second?.to], [undefined, { host: "127.0.0.1", port: all[1]?.port }]);
  await played.route.close();
});

test("When a later hop cannot be reached, logged in to or trusted, those before it stand until the way is closed.", {
  timeout,
}, async () => {
  const no = new PorthopError("ssh.host-key-changed", "the host key has changed", { leg: 2 });
  await using all = await servers(2);
  const dead = { host: "127.0.0.1", port: await freePort() };
  const [first, second] = all;
  assert.ok(first !== undefined && second !== undefined);
  for (const [last, code] of [
    [hop(dead), "ssh.unreachable"],
    [hop(second, { trust: async () => easyTrust({ verify: () => Promise.reject(no) }) }), "ssh.host-key-changed"],
    [hop(second, { trust: () => Promise.reject(no) }), "ssh.host-key-changed"],
    [
      hop(second, { trust: async () => easyTrust({ authHandler: (_m, _p, next) => next(false as never) }) }),
      "ssh.auth-failed",
    ],
  ] as const) {
    const played = new Played({ hops: [hop(first), last] });
    assert.equal((await refusal(played.route.connect(never))).code, code);
    assert.deepEqual(played.story, ["connecting 1", "ready 1", "connecting destination"]);
    await played.route.close();
    assert.equal(played.story.at(-1), "closed 1");
    for (const server of all) await server.idle();
  }
});

test("An outer session that is lost is the reason for all inside it, each lost once.", { timeout }, async () => {
  await using all = await servers(3);
  const played = new Played({ hops: all.map((server) => hop(server)) });
  const session = await played.route.connect(never);
  all[0]?.drop();
  const reason = await session.lost;
  assert.equal(reason.code, "ssh.lost");
  assert.match(reason.message, new RegExp(`^lost the session with the jump host 127\\.0\\.0\\.1:${all[0]?.port}: `));
  await played.told("lost destination");
  assert.deepEqual(played.story.slice(6), ["lost 1", "lost 2", "lost destination"]);
  await played.route.close();
});

test("A session inside that is lost alone has its own name, and the one before is said goodbye to.", {
  timeout,
}, async () => {
  await using all = await servers(2);
  const played = new Played({ hops: all.map((server) => hop(server)) });
  const session = await played.route.connect(never);
  all[1]?.drop();
  assert.match((await session.lost).message, new RegExp(`127\\.0\\.0\\.1:${all[1]?.port}: `));
  await played.route.close();
  assert.deepEqual(played.story.slice(4), ["lost destination", "closed 1"]);
});

test("A way is made again, and a host on it that still stands is kept.", { timeout }, async () => {
  await using all = await servers(2);
  const [gate, inner] = all;
  const played = new Played({ hops: all.map((server) => hop(server)) });
  const first = await played.route.connect(never);
  inner?.drop();
  await first.lost;
  const second = await played.route.connect(never, 3);
  assert.deepEqual([first.id, second.id, gate?.counts.connections], ["S2", "S3", 1]);
  assert.deepEqual(played.story.splice(4), ["lost destination", "connecting destination", "ready destination"]);
  assert.deepEqual([played.sessions.at(-1)?.attempt, played.route.wasLetIn], [3, true]);
  gate?.drop();
  await second.lost;
  const third = await played.route.connect(never);
  assert.deepEqual([third.id, gate?.counts.connections], ["S5", 2]);
  await played.route.close();
});

test("What a login asks of a person counts where it has to be repeated, and not where the host is kept.", {
  timeout,
}, async () => {
  await using all = await servers(2);
  const [gate, inner] = all;
  assert.ok(gate !== undefined && inner !== undefined);
  const typed = async () => easyTrust({ needs: () => "person" as const });
  const touched = async () => easyTrust({ needs: () => "touch" as const });
  const played = new Played({ hops: [hop(gate, { trust: typed }), hop(inner, { trust: touched })] });
  const session = await played.route.connect(never);
  assert.deepEqual([played.route.needs, played.route.needsAgain], ["person", "nobody"]);
  inner.drop();
  await session.lost;
  assert.equal(played.route.needsAgain, "touch");
  const again = await played.route.connect(never);
  gate.drop();
  await again.lost;
  assert.equal(played.route.needsAgain, "person");
  await played.route.close();
});

test("An outer session that is lost while the next one begins is told, not the silence of the next.", {
  timeout,
}, async () => {
  await using outer = await startSshServer();
  // Accepts, and says nothing.
  const silent = createServer(() => outer.drop()).listen(0, "127.0.0.1");
  await once(silent, "listening");
  const { port } = silent.address() as AddressInfo;
  const played = new Played({ hops: [hop(outer), hop({ host: "127.0.0.1", port })] });
  const error = await refusal(played.route.connect(never));
  assert.equal(error.code, "ssh.lost");
  assert.match(error.message, new RegExp(`the jump host 127\\.0\\.0\\.1:${outer.port}`));
  silent.close();
});

test("Closed in the middle of a beginning, it gives up and leaves nothing.", { timeout }, async () => {
  await using outer = await startSshServer();
  const accepted = new Waiting();
  let count = 0;
  const silent = createServer(() => {
    count++;
    accepted.change();
  }).listen(0, "127.0.0.1");
  await once(silent, "listening");
  const { port } = silent.address() as AddressInfo;
  const played = new Played({ hops: [hop(outer), hop({ host: "127.0.0.1", port })] });
  const connecting = played.route.connect(never);
  connecting.catch(() => {});
  await accepted.until("the connection to the silent one", () => (count > 0 ? true : undefined));
  await played.route.close();
  await assert.rejects(connecting);
  await outer.idle();
  assert.equal(played.story.at(-1), "closed 1");
  silent.close();
});
