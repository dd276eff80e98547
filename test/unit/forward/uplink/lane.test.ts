import assert from "node:assert/strict";
import { test } from "node:test";
import { PorthopError } from "../../../../src/errors.ts";
import { Lane, LaneRun } from "../../../../src/forward/uplink/lane.ts";
import type { Hop, RoutePlan } from "../../../../src/ssh/route.ts";
import type { Session } from "../../../../src/ssh/session.ts";
import { LogLines } from "../../../kit/log-lines.ts";
import { refusal } from "../../../kit/refusal.ts";
import { freePort } from "../../../kit/servers.ts";
import { startSshServer } from "../../../kit/ssh-server.ts";
import { tellingTo } from "../../../kit/telling.ts";
import { easyTrust } from "../../../kit/trust.ts";

const timeout = 30_000;
const { signal } = new AbortController();

interface Place {
  readonly host: string;
  readonly port: number;
}

function hop({ host, port }: Place, trust: Hop["trust"] = async () => easyTrust()): Hop {
  const settings = {
    ...{ host, port, user: "anna", connectTimeoutMs: 10_000, keepAliveIntervalMs: 0, keepAliveCountMax: 0 },
    ...{ handshakeTimeoutMs: 10_000, attempts: 1, algorithms: {} },
  };
  return { settings, trust };
}

/** The way to each of these. */
const to = (...places: readonly Place[]): readonly RoutePlan[] => places.map((place) => ({ hops: [hop(place)] }));

/** A host key that nobody knows. */
const stranger: Hop["trust"] = async () =>
  easyTrust({
    verify: () => Promise.reject(new PorthopError("ssh.host-key-unknown", "the host key is not known", { leg: 2 })),
  });

class Played implements AsyncDisposable {
  readonly log = new LogLines();
  readonly lane: Lane;
  readonly story: string[] = [];

  constructor(goals: readonly RoutePlan[], strand = 1, run = new LaneRun()) {
    const telling = tellingTo(this.log);
    telling.bus.on("session", ({ state, port, attempt }) => void this.story.push(`${state} ${port} at ${attempt}`));
    telling.bus.on("wire", ({ viewFor }) => void this.story.push(`strand ${viewFor("test").strand}`));
    this.lane = new Lane(goals, telling, run, strand);
  }

  /** Resolves with the port of the server that was reached. */
  async reached(attempt = 1): Promise<number> {
    return (await this.lane.connect(signal, attempt)).peer.port;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.lane.close();
  }
}

async function nowhere(): Promise<Place> {
  return { host: "127.0.0.1", port: await freePort() };
}

async function lost(session: Session, server: { drop(): void }): Promise<void> {
  server.drop();
  await session.lost;
}

test("The destination is used while it is in reach, and no fallback is asked.", { timeout }, async () => {
  await using first = await startSshServer();
  await using second = await startSshServer();
  await using played = new Played(to(first, second), 2);
  assert.equal(await played.reached(3), first.port);
  assert.deepEqual(played.story, [`connecting ${first.port} at 3`, "strand 2", `ready ${first.port} at 3`]);
  assert.equal(second.counts.connections, 0);
});

test("Out of reach, the fallbacks are tried in their order, each by its own login.", { timeout }, async () => {
  const [gone, alsoGone] = [await nowhere(), await nowhere()];
  await using third = await startSshServer();
  const asked: string[] = [];
  const goal: RoutePlan = {
    hops: [
      hop(third, async () => {
        asked.push("the third");
        return easyTrust();
      }),
    ],
  };
  await using played = new Played([...to(gone, alsoGone), goal]);
  assert.equal(await played.reached(), third.port);
  assert.deepEqual(asked, ["the third"]);
  assert.deepEqual(played.story, [
    ...[gone, alsoGone, third].map(({ port }) => `connecting ${port} at 1`).toSpliced(3, 0, "strand 1"),
    `ready ${third.port} at 1`,
  ]);
});

test("After a loss the destination comes first again.", { timeout }, async () => {
  const port = await freePort();
  await using second = await startSshServer();
  await using played = new Played(to({ host: "127.0.0.1", port }, second));
  const session = await played.lane.connect(signal, 1);
  assert.equal(session.peer.port, second.port);
  await using first = await startSshServer({ port });
  await lost(session, second);
  assert.equal(await played.reached(), first.port);
});

test("Whoever cannot be reached at all says why: that is the destination's reason.", { timeout }, async () => {
  const [gone, alsoGone] = [await nowhere(), await nowhere()];
  await using played = new Played(to(gone, alsoGone));
  const error = await refusal(played.reached());
  assert.equal(error.code, "ssh.unreachable");
  assert.ok(error.message.includes(String(gone.port)), error.message);
  assert.equal(played.lane.wasLetIn, false);
  assert.equal(
    error.hint,
    "no fallback could be used either; no program listens there: check the port (-p) and that sshd runs",
  );
  // The address of the fallback is told once.
  const ofSecond = `warn the fallback: cannot reach sshd at 127.0.0.1:${alsoGone.port}: connection refused`;
  assert.ok(played.log.lines.includes(ofSecond), played.log.lines.join("\n"));
});

test("Without fallbacks, and while they are left in peace, the hint does not speak of them.", { timeout }, async () => {
  await using alone = new Played(to(await nowhere()));
  assert.doesNotMatch((await refusal(alone.reached())).hint, /fallback/);
  await using second = await startSshServer();
  await using rested = new Played([...to(await nowhere()), { hops: [hop(second, stranger)] }]);
  assert.match((await refusal(rested.reached())).hint, /^no fallback could be used either; /);
  assert.doesNotMatch((await refusal(rested.reached())).hint, /fallback/);
});

test("A fallback whose host key nobody knows is refused, told, and not tried again.", { timeout }, async () => {
  const gone = await nowhere();
  await using second = await startSshServer();
  await using third = await startSshServer();
  const goals = [...to(gone), { hops: [hop(second, stranger)] }, ...to(third)];
  await using played = new Played(goals);
  const session = await played.lane.connect(signal, 1);
  assert.equal(session.peer.port, third.port);
  const refusals = () => played.log.lines.filter((line) => line.includes("the host key is not known"));
  assert.deepEqual(refusals().length, 1);
  assert.match(refusals()[0] ?? "", /the fallback 127\.0\.0\.1.*; it is not tried again/);
  await lost(session, third);
  assert.equal(await played.reached(), third.port);
  assert.equal(second.counts.connections, 1);
  assert.deepEqual(refusals().length, 1);
});

test("The same failures are told once in ten minutes, those of several sessions together.", { timeout }, async () => {
  const [gone, alsoGone] = [await nowhere(), await nowhere()];
  let nowMs = 0;
  const run = new LaneRun(() => nowMs);
  const goals = to(gone, alsoGone);
  await using one = new Played(goals, 1, run);
  await using two = new Played(goals, 2, run);
  const read = () => [...one.log.lines, ...two.log.lines].filter((line) => !line.startsWith("debug"));
  for (const { lane } of [one, two, one, two]) await refusal(lane.connect(signal, 1));
  assert.equal(read().length, 2, read().join("\n"));
  assert.match(read()[0] ?? "", /refused; trying the fallback 127\.0\.0\.1:\d+$/);
  nowMs = 600_000;
  await refusal(two.lane.connect(signal, 1));
  assert.equal(read().length, 4);
});

test("A first connect that reaches a fallback says which.", { timeout }, async () => {
  await using second = await startSshServer();
  await using played = new Played(to(await nowhere(), second));
  const session = await played.lane.connect(signal, 1);
  await lost(session, second);
  assert.equal(await played.reached(), second.port);
  const said = played.log.lines.filter((line) => line.includes("connected to the fallback"));
  assert.deepEqual(said, [`info connected to the fallback 127.0.0.1:${second.port}`]);
});

test("A fallback that let us in and refuses us now is left in peace for a minute, unless a session is wished for.", {
  timeout,
}, async () => {
  await using second = await startSshServer();
  let [logins, isRefused, nowMs] = [0, false, 1000];
  const trust: Hop["trust"] = async () => {
    logins += 1;
    return isRefused ? easyTrust({ authHandler: (_methods, _partial, next) => next(false as never) }) : easyTrust();
  };
  const run = new LaneRun(() => nowMs);
  await using played = new Played([...to(await nowhere()), { hops: [hop(second, trust)] }], 1, run);
  const session = await played.lane.connect(signal, 1);
  isRefused = true;
  await lost(session, second);
  for (let attempt = 1; attempt < 5; attempt++) await refusal(played.reached(attempt));
  assert.equal(logins, 2);
  assert.match(played.log.text, /^warn the fallback 127\S+ refused the login of anna; it is not tried for 1m$/m);
  nowMs += 60_000;
  await refusal(played.reached());
  assert.equal(logins, 3);
  run.forgive();
  isRefused = false;
  assert.equal(await played.reached(), second.port);
});

test("A no of the destination itself stays a no: no fallback is asked in its place.", { timeout }, async () => {
  await using first = await startSshServer();
  await using second = await startSshServer();
  await using played = new Played([{ hops: [hop(first, stranger)] }, ...to(second)]);
  assert.equal((await refusal(played.reached())).code, "ssh.host-key-unknown");
  assert.equal(second.counts.connections, 0);
});

test("Who was let in once is known, also when the login is refused later.", { timeout }, async () => {
  await using server = await startSshServer();
  let isRefused = false;
  const trust: Hop["trust"] = async () =>
    isRefused ? easyTrust({ authHandler: (_methods, _partial, next) => next(false as never) }) : easyTrust();
  await using played = new Played([{ hops: [hop(server, trust)] }]);
  const session = await played.lane.connect(signal, 1);
  isRefused = true;
  await lost(session, server);
  assert.equal((await refusal(played.reached())).code, "ssh.auth-failed");
  assert.equal(played.lane.wasLetIn, true);
});

test("A host on the way that still stands is kept, and one that leads elsewhere is left.", { timeout }, async () => {
  await using gate = await startSshServer();
  await using destination = await startSshServer();
  await using other = await startSshServer();
  const throughGate: RoutePlan = { hops: [hop(gate), hop(destination)] };
  await using played = new Played([throughGate, ...to(other)]);
  const session = await played.lane.connect(signal, 1);
  await lost(session, destination);
  assert.equal(await played.reached(), destination.port);
  assert.equal(gate.counts.connections, 1, "the gate was kept");
  await destination[Symbol.asyncDispose]();
  assert.equal(await played.reached(), other.port);
  assert.equal(played.story.at(-1), `closed ${gate.port} at 1`);
});

test("A stop ends the search, and is no reason to try a fallback.", { timeout }, async () => {
  const stop = new AbortController();
  await using server = await startSshServer();
  await using played = new Played(to(await nowhere(), server));
  stop.abort(new PorthopError("cancelled", "stopped by SIGINT"));
  assert.equal((await refusal(played.lane.connect(stop.signal, 1))).message, "stopped by SIGINT");
  assert.equal(server.counts.connections, 0);
});
