import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { formatAddress } from "../../../src/codec/address.ts";
import { socketTableCommand } from "../../../src/codec/capture/socket-table.ts";
import { parseForwardSpec } from "../../../src/codec/words/forward-spec.ts";
import { nameForwards } from "../../../src/config/forward.ts";
import { PorthopError } from "../../../src/errors.ts";
import type { PreparedPlugin } from "../../../src/flow/chain.ts";
import type { ReadOptions } from "../../../src/flow/running-options.ts";
import { Tunnel, type TunnelPlan } from "../../../src/forward/tunnel.ts";
import type { Host, TunnelEvent } from "../../../src/plugin.ts";
import { LogLines } from "../../kit/log-lines.ts";
import { refusal } from "../../kit/refusal.ts";
import { echoServer, freePort } from "../../kit/servers.ts";
import { startSshServer } from "../../kit/ssh-server.ts";
import { connectTo } from "../../kit/tcp-end.ts";
import { tellingTo } from "../../kit/telling.ts";
import { easyTrust } from "../../kit/trust.ts";
import { Waiting } from "../../kit/waiting.ts";

const timeout = 30_000;
const never = new AbortController().signal;

interface Play {
  readonly sshd: { readonly host: string; readonly port: number };
  /** The texts after -L (`-R ...` for another flag). */
  readonly forwards: readonly string[];
  readonly plugins?: readonly PreparedPlugin[];
  readonly exitOnForwardFailure?: boolean;
  readonly trust?: TunnelPlan["trust"];
}

/** A tunnel and the story of its life: what it reports and what its plugins do, one line each. */
class PlayedTunnel {
  readonly story: string[] = [];
  readonly events: TunnelEvent[] = [];
  readonly log = new LogLines();
  readonly tunnel: Tunnel;
  readonly #waiting = new Waiting();

  constructor({ sshd, forwards, plugins = [], exitOnForwardFailure = true, trust }: Play) {
    const specs = forwards.map((text) =>
      text.startsWith("-R ") ? parseForwardSpec("R", text.slice(3)) : parseForwardSpec("L", text),
    );
    const telling = tellingTo(this.log, { loggerFor: () => this.log });
    telling.bus.onPublic((event) => {
      this.events.push(event);
      this.tell(line(event));
    });
    telling.bus.on("banner", ({ text }) => this.tell(`banner ${text}`));
    this.tunnel = new Tunnel(
      {
        session: {
          host: sshd.host,
          port: sshd.port,
          user: "anna",
          connectTimeoutMs: 10_000,
          handshakeTimeoutMs: 10_000,
          attempts: 1,
          keepAliveIntervalMs: 0,
          keepAliveCountMax: 0,
          algorithms: {},
        },
        trust: trust ?? (async () => easyTrust()),
        forwards: nameForwards(specs, false),
        plugins,
        exitOnForwardFailure,
        here: { family: undefined, unix: { mask: 0o177 } },
      },
      telling,
      "0.0.0",
    );
  }

  tell(what: string): void {
    this.story.push(what);
    this.#waiting.change();
  }

  /** A plugin whose life is part of the story. */
  plugin(name: string, more: (host: Host) => void = () => {}): PreparedPlugin {
    return {
      name,
      setup: (host) => {
        this.tell(`set up ${name}`);
        host.onSession(({ host, port }) => this.tell(`${name} sees the session with ${formatAddress({ host, port })}`));
        host.onDispose(() => this.tell(`dispose ${name}`));
        more(host);
        return (_flow, next) => next();
      },
    };
  }

  event<E extends TunnelEvent["event"]>(name: E): Promise<Extract<TunnelEvent, { event: E }>> {
    const isIt = (event: TunnelEvent): event is Extract<TunnelEvent, { event: E }> => event.event === name;
    return this.#waiting.until(`the event ${name}`, () => this.events.find(isIt));
  }

  /** The port of a forward. */
  port(forward = "L1"): number {
    for (const event of this.events) {
      if (event.event === "listening" && event.forward === forward && "port" in event.listen) return event.listen.port;
    }
    throw new Error(`${forward} does not listen`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.tunnel.stop(0, never);
  }
}

function line(event: TunnelEvent): string {
  switch (event.event) {
    case "session":
      return `session ${event.state}`;
    case "listening":
      return `listening ${event.forward}`;
    case "ready":
      return `ready ${event.forwards.join(" ")}`.trim();
    case "error":
      return `error ${event.error.code}`;
    case "reconnect":
      return `reconnect ${event.attempt}`;
    case "held":
      return `held ${event.flow}`;
    case "forward.moved":
    case "forward.waiting":
      return `${event.event} ${event.forward}`;
    case "flow.open":
      return `open ${event.flow}`;
    case "flow.close":
      return `close ${event.flow} ${event.reason}`;
  }
}

test("A tunnel starts plugins, session and listeners in this order, and ends in the reverse one.", {
  timeout,
}, async () => {
  await using sshd = await startSshServer();
  const ports = [await freePort(), await freePort()];
  const story: string[] = [];
  const play: PlayedTunnel = new PlayedTunnel({
    sshd,
    forwards: ports.map((port) => `127.0.0.1:${port}:127.0.0.1:9`),
    plugins: ["a", "b"].map((name) => ({ name, setup: (host) => play.plugin(name).setup(host) })),
  });
  await play.tunnel.start(never);
  story.push(...play.story.splice(0));
  await play.tunnel.stop(0, never);
  const session = `sees the session with 127.0.0.1:${sshd.port}`;
  assert.deepEqual(story, [
    "set up a",
    "set up b",
    "session connecting",
    `a ${session}`,
    `b ${session}`,
    "session ready",
    "listening L1",
    "listening L2",
    "ready L1 L2",
  ]);
  assert.deepEqual(play.story, ["session closed", "dispose b", "dispose a"]);
});

test("The events say with whom, how, where and where to.", { timeout }, async () => {
  await using sshd = await startSshServer();
  const port = await freePort();
  await using play = new PlayedTunnel({ sshd, forwards: [`127.0.0.1:${port}:db.internal:5432`] });
  await play.tunnel.start(never);
  const [connecting, ready, listening, all] = play.events;
  const who = { event: "session", id: "S1", host: "127.0.0.1", port: sshd.port, user: "anna", attempt: 1 };
  assert.deepEqual(connecting, { ...who, state: "connecting" });
  assert.ok(ready?.event === "session");
  const { local, remote, cipher, kex, hostKey, ...rest } = ready;
  assert.deepEqual(rest, { ...who, state: "ready" });
  assert.ok(local !== undefined && "host" in local && local.host === "127.0.0.1" && local.port > 0);
  assert.deepEqual(remote, { host: "127.0.0.1", port: sshd.port });
  assert.match(`${cipher} ${kex} ${hostKey}`, /^[\w@.-]+ curve25519-sha256\S* SHA256:\S{43}$/);
  assert.deepEqual(listening, {
    event: "listening",
    forward: "L1",
    kind: "local",
    listen: { host: "127.0.0.1", port },
    addresses: [{ host: "127.0.0.1", port }],
    connect: { host: "db.internal", port: 5432 },
    side: "here",
  });
  assert.deepEqual(all, { event: "ready", forwards: ["L1"] });
});

test("Options of a plugin are changed while the tunnel runs.", { timeout }, async () => {
  await using sshd = await startSshServer();
  const changed: unknown[] = [];
  const options = (word: string): ReadOptions => ({
    values: { word },
    with: (texts) => options(texts.get("word") ?? word),
  });
  await using play = new PlayedTunnel({
    sshd,
    forwards: [`127.0.0.1:${await freePort()}:127.0.0.1:1`],
    plugins: [
      {
        name: "greet",
        options: options("a"),
        setup: (host) => {
          host.onOptions((values) => void changed.push(values));
          return (_flow, next) => next();
        },
      },
    ],
  });
  assert.throws(() => play.tunnel.changeOptions("greet", new Map()), /while a tunnel runs/);
  await play.tunnel.start(never);
  play.tunnel.changeOptions("greet", new Map([["word", "b"]]));
  assert.deepEqual(changed, [{ word: "b" }]);
  assert.throws(() => play.tunnel.changeOptions("limit", new Map()), { code: "plugin.not-found" });
});

test("A flow is carried through the chain, and told with its bytes when it opens and ends.", { timeout }, async () => {
  await using sshd = await startSshServer();
  await using echo = await echoServer();
  await using play = new PlayedTunnel({ sshd, forwards: [`127.0.0.1:${await freePort()}:127.0.0.1:${echo.port}`] });
  await play.tunnel.start(never);
  await using client = await connectTo(play.port());
  await client.send("hello");
  client.end();
  await client.received;
  const [opened, closed] = [await play.event("flow.open"), await play.event("flow.close")];
  assert.equal(client.text, "hello");
  assert.deepEqual([opened.flow, opened.forward], ["L1#1", "L1"]);
  assert.equal(formatAddress(opened.origin), client.address);
  assert.deepEqual(
    opened.legs.map(({ leg, observed }) => [leg, observed]),
    [
      [1, true],
      [2, true],
      [3, false],
    ],
  );
  assert.deepEqual(opened.legs[1]?.to, { host: "127.0.0.1", port: sshd.port });
  assert.deepEqual(
    [closed.flow, closed.up, closed.down, closed.reason, closed.error],
    ["L1#1", 5, 5, "ended", undefined],
  );
});

test("A flow that came in on the server is told with the session that it came by as leg 2.", { timeout }, async () => {
  await using sshd = await startSshServer({ listen: "close" });
  await using echo = await echoServer();
  const play = new PlayedTunnel({ sshd, forwards: [`-R ${await freePort()}:127.0.0.1:${echo.port}`] });
  await play.tunnel.start(never);
  await using client = await connectTo(play.port("R1"));
  await client.send("x");
  await client.got(1);
  const { legs } = await play.event("flow.open");
  assert.deepEqual([legs[1]?.to, legs[1]?.observed], [{ host: "127.0.0.1", port: sshd.port }, true]);
  await play.tunnel.stop(0, never);
});

test("A plugin that cannot be set up ends the start before anything is dialed, and those before it are disposed.", {
  timeout,
}, async () => {
  await using sshd = await startSshServer();
  const play: PlayedTunnel = new PlayedTunnel({
    sshd,
    forwards: [`127.0.0.1:${await freePort()}:h:9`],
    plugins: [
      { name: "good", setup: (host) => play.plugin("good").setup(host) },
      {
        name: "bad",
        setup: () => {
          throw new Error("no");
        },
      },
    ],
  });
  const error = await refusal(play.tunnel.start(never));
  assert.equal(error.code, "plugin.failed");
  assert.deepEqual([play.story, sshd.counts.connections], [["set up good", "dispose good"], 0]);
  await play.tunnel.stop(0, never);
  assert.deepEqual(play.story, ["set up good", "dispose good"], "nothing is left to be stopped");
});

test("A session that cannot be had ends the start, and a stop disposes the plugins.", { timeout }, async () => {
  const port = await freePort();
  const play: PlayedTunnel = new PlayedTunnel({
    sshd: { host: "127.0.0.1", port },
    forwards: [`127.0.0.1:${await freePort()}:h:9`],
    plugins: [{ name: "a", setup: (host) => play.plugin("a").setup(host) }],
  });
  const error = await refusal(play.tunnel.start(never));
  assert.deepEqual([error.code, error.leg], ["ssh.unreachable", 2]);
  await play.tunnel.stop(0, never);
  assert.deepEqual(play.story, ["set up a", "session connecting", "dispose a"]);
});

async function takenPort() {
  const server = createServer();
  const port = await freePort();
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return { port, [Symbol.dispose]: () => void server.close() };
}

test("A port that is taken ends the start, and what listened before is closed.", { timeout }, async () => {
  await using sshd = await startSshServer();
  using taken = await takenPort();
  const free = await freePort();
  const play = new PlayedTunnel({ sshd, forwards: [`127.0.0.1:${free}:h:9`, `127.0.0.1:${taken.port}:h:9`] });
  const error = await refusal(play.tunnel.start(never));
  assert.equal(error.code, "listen.in-use");
  await play.tunnel.stop(0, never);
  assert.deepEqual(play.story, ["session connecting", "session ready", "listening L1", "session closed"]);
  await assert.rejects(connectTo(free));
});

test("Without ExitOnForwardFailure a port that is taken is told, and the others go on.", { timeout }, async () => {
  await using sshd = await startSshServer();
  await using echo = await echoServer();
  using taken = await takenPort();
  await using play = new PlayedTunnel({
    sshd,
    forwards: [`127.0.0.1:${taken.port}:h:9`, `127.0.0.1:${await freePort()}:127.0.0.1:${echo.port}`],
    exitOnForwardFailure: false,
  });
  await play.tunnel.start(never);
  assert.deepEqual(play.story, [
    "session connecting",
    "session ready",
    "error listen.in-use",
    "listening L2",
    "ready L2",
  ]);
  await using client = await connectTo(play.port("L2"));
  await client.send("x");
  await client.got(1);
});

test("Without a forward there is a session all the same.", { timeout }, async () => {
  await using sshd = await startSshServer();
  await using play = new PlayedTunnel({ sshd, forwards: [] });
  await play.tunnel.start(never);
  assert.deepEqual(play.story, ["session connecting", "session ready", "ready"]);
});

test("A session that is lost is told once, with the reason, and its flows are aborted.", { timeout }, async () => {
  await using sshd = await startSshServer();
  await using echo = await echoServer();
  const play = new PlayedTunnel({ sshd, forwards: [`127.0.0.1:${await freePort()}:127.0.0.1:${echo.port}`] });
  const { lost } = await play.tunnel.start(never);
  await using client = await connectTo(play.port());
  await client.send("x");
  await client.got(1);
  play.story.length = 0;
  sshd.drop();
  const reason = await lost;
  assert.deepEqual([reason.code, reason.leg], ["ssh.lost", 2]);
  assert.equal((await client.received).ended, false, "a reset, no clean end");
  const closed = await play.event("flow.close");
  assert.deepEqual([closed.reason, closed.error?.code], ["aborted", "ssh.lost"]);
  await play.tunnel.stop(0, never);
  assert.deepEqual(play.story.toSorted(), ["close L1#1 aborted", "error ssh.lost", "session lost"]);
});

test("A stop lets open flows finish, and accepts no more.", { timeout }, async () => {
  await using sshd = await startSshServer();
  await using echo = await echoServer();
  const play = new PlayedTunnel({ sshd, forwards: [`127.0.0.1:${await freePort()}:127.0.0.1:${echo.port}`] });
  const { lost } = await play.tunnel.start(never);
  let isLost = false;
  void lost.then(() => {
    isLost = true;
  });
  await using client = await connectTo(play.port());
  await client.send("before ");
  await client.got(7);
  const stopped = play.tunnel.stop(20_000, never);
  await assert.rejects(connectTo(play.port()));
  for (let round = 1; round <= 100; round++) {
    await client.send("after ");
    await client.got(7 + 6 * round);
  }
  client.end();
  assert.equal((await client.received).ended, true);
  await stopped;
  assert.equal(client.text, `before ${"after ".repeat(100)}`);
  assert.deepEqual(play.story.slice(-2), ["close L1#1 ended", "session closed"]);
  assert.equal(isLost, false, "we left, nothing was lost");
  assert.equal(sshd.openChannels, 0);
});

test("Flows that are still open after the grace are broken, and a stop is the reason.", { timeout }, async () => {
  await using sshd = await startSshServer();
  await using echo = await echoServer();
  const play = new PlayedTunnel({ sshd, forwards: [`127.0.0.1:${await freePort()}:127.0.0.1:${echo.port}`] });
  await play.tunnel.start(never);
  await using client = await connectTo(play.port());
  await client.send("x");
  await client.got(1);
  await play.tunnel.stop(50, never);
  const closed = await play.event("flow.close");
  assert.deepEqual([closed.reason, closed.error?.code], ["aborted", "cancelled"]);
  assert.equal((await client.received).ended, false);
  assert.deepEqual(play.story.slice(-2), ["close L1#1 aborted", "session closed"], "and no error is told");
});

test("Whoever is in a hurry does not wait for the grace.", { timeout }, async () => {
  await using sshd = await startSshServer();
  await using echo = await echoServer();
  const play = new PlayedTunnel({ sshd, forwards: [`127.0.0.1:${await freePort()}:127.0.0.1:${echo.port}`] });
  await play.tunnel.start(never);
  await using client = await connectTo(play.port());
  await client.send("x");
  await client.got(1);
  const hurry = new AbortController();
  const stopped = play.tunnel.stop(600_000, hurry.signal);
  hurry.abort();
  await stopped;
  assert.equal((await play.event("flow.close")).reason, "aborted");
});

test("An interruption while it connects ends the start with its reason.", { timeout }, async () => {
  const silent = createServer();
  silent.listen(0, "127.0.0.1");
  await once(silent, "listening");
  const { port } = silent.address() as { port: number };
  const interruption = new AbortController();
  const play = new PlayedTunnel({ sshd: { host: "127.0.0.1", port }, forwards: [] });
  silent.on("connection", (socket) => {
    socket.on("error", () => {});
    interruption.abort(new PorthopError("cancelled", "stopped by SIGINT"));
  });
  const error = await refusal(play.tunnel.start(interruption.signal));
  assert.deepEqual([error.code, error.message], ["cancelled", "stopped by SIGINT"]);
  await play.tunnel.stop(0, never);
  silent.close();
});

test("The server is asked for its sockets only when a plugin wants to know them, and before anything listens.", {
  timeout,
}, async () => {
  await using sshd = await startSshServer({
    exec: (command) => {
      told?.tell(`command ${command === socketTableCommand ? "that lists sockets" : command}`);
      return { code: 127 };
    },
  });
  let told: PlayedTunnel | undefined;
  for (const wants of [false, true]) {
    await using play: PlayedTunnel = new PlayedTunnel({
      sshd,
      forwards: [`127.0.0.1:${await freePort()}:h:9`],
      plugins: [
        { name: "a", setup: (host) => play.plugin("a", ({ locateTargets }) => wants && locateTargets()).setup(host) },
      ],
    });
    told = play;
    await play.tunnel.start(never);
    assert.deepEqual(play.story.slice(3), [
      "session ready",
      ...(wants ? ["command that lists sockets"] : []),
      "listening L1",
      "ready L1",
    ]);
  }
});

test("A server's words before the login are passed on, made safe.", { timeout }, async () => {
  await using sshd = await startSshServer({ banner: "Welcome\u001b[2J\r\nto vishnu\r\n" });
  await using play = new PlayedTunnel({ sshd, forwards: [] });
  await play.tunnel.start(never);
  assert.ok(play.story.includes("banner Welcome\\x1b[2J\nto vishnu"), play.story.join());
});

test("A relay has no session: its plugins see none, nothing is told of one, and flows pass.", { timeout }, async () => {
  await using target = await echoServer();
  const log = new LogLines();
  const told: string[] = [];
  const seen: string[] = [];
  const spec = parseForwardSpec("L", `127.0.0.1:${await freePort()}:127.0.0.1:${target.port}`);
  const plugin: PreparedPlugin = {
    name: "watcher",
    setup(host) {
      seen.push(`sessions: ${host.sessions.join(" ")}`);
      host.locateTargets();
      host.onSession(() => seen.push("a session"));
      return async (flow, next) => {
        await next();
        seen.push(`legs observed: ${flow.legs.map(({ observed }) => observed).join(" ")}`);
      };
    },
  };
  const closed = Promise.withResolvers<void>();
  const telling = tellingTo(log, { loggerFor: () => log });
  telling.bus.onPublic((event) => told.push(line(event)));
  telling.bus.on("flow.close", () => closed.resolve());
  telling.bus.on("banner", () => assert.fail("there is no server"));
  const relay = new Tunnel(
    {
      forwards: nameForwards([spec], false).map((forward) => ({ ...forward, kind: "relay" })),
      plugins: [plugin],
      exitOnForwardFailure: true,
      here: { family: undefined, unix: { mask: 0o177 } },
    },
    telling,
    "0.0.0",
  );
  const { lost } = await relay.start(never);
  void lost.then(() => told.push("lost"));
  assert.ok(spec.listen !== undefined && "port" in spec.listen);
  await using client = await connectTo(spec.listen.port);
  await client.send("hello");
  await client.got(5);
  client.end();
  await closed.promise;
  await relay.stop(0, never);
  assert.deepEqual(told, ["listening L1", "ready L1", "open L1#1", "close L1#1 ended"]);
  assert.deepEqual([seen, log.text], [["sessions: ", "legs observed: true false true"], ""]);
});
