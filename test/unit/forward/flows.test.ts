import assert from "node:assert/strict";
import { test } from "node:test";
import { parseForwardSpec } from "../../../src/codec/words/forward-spec.ts";
import { type Forward, nameForwards } from "../../../src/config/forward.ts";
import { PorthopError } from "../../../src/errors.ts";
import { Bus } from "../../../src/flow/bus.ts";
import { Chain, type PreparedPlugin } from "../../../src/flow/chain.ts";
import type { Dialer, Inbound, LegFacts } from "../../../src/flow/conn.ts";
import type { BusEvent } from "../../../src/flow/event.ts";
import { Flows } from "../../../src/forward/flows.ts";
import { specTarget } from "../../../src/forward/target-source.ts";
import type { TunnelEvent } from "../../../src/plugin.ts";
import { LogLines } from "../../kit/log-lines.ts";
import { connPair, type MemoryConn, readAll } from "../../kit/memory-conn.ts";
import { tellingTo } from "../../kit/telling.ts";
import { Waiting } from "../../kit/waiting.ts";

const never = new Promise<void>(() => {});
const over = Promise.resolve();
const timeout = 20_000;
const origin = { host: "127.0.0.1", port: 33458 };
const bytes = (text: string) => new TextEncoder().encode(text);

const forwards = nameForwards(
  ["8080:db:5432", "8081:web:80", "8082:web:443"].map((text) => parseForwardSpec("L", text)),
  false,
);

function forward(index: number): Forward {
  const found = forwards[index];
  if (found === undefined) throw new Error(`there is no forward ${index}`);
  return found;
}

const session: LegFacts = {
  from: { host: "10.0.0.1", port: 40000 },
  to: { host: "10.0.0.2", port: 22 },
  observed: true,
};

/** The ends of one flow that the test plays. */
interface Ends {
  readonly client: MemoryConn;
  readonly target: MemoryConn;
  /** Why the inbound was refused, if it was. */
  refused: PorthopError | undefined;
}

class Play {
  readonly events: TunnelEvent[] = [];
  readonly log = new LogLines();
  readonly waiting = new Waiting();
  readonly flows: Flows;

  private constructor(chain: Chain, log: LogLines) {
    this.log = log;
    const telling = tellingTo(log, {
      loggerFor: (plugin = "porthop") => ({ ...log, warn: (text) => log.warn(`${plugin}: ${text}`) }),
    });
    this.flows = new Flows(chain, telling);
    telling.bus.onPublic((event) => {
      this.events.push(event);
      this.waiting.change();
    });
  }

  static async start(...plugins: PreparedPlugin[]): Promise<Play> {
    const log = new LogLines();
    return new Play(await Chain.setUp(plugins, tellingTo(log, { loggerFor: () => log }), { version: "0" }), log);
  }

  /** A connection comes in; `dial` is what comes of the way to its target. */
  connect(of = forward(0), dial?: Dialer["dial"]): Ends {
    const [client, near] = connPair();
    const [far, target] = connPair();
    const ends: Ends = { client, target, refused: undefined };
    const inbound: Inbound = {
      origin,
      leg: { from: origin, to: { host: "127.0.0.1", port: 8080 }, observed: true },
      accept: async () => near,
      refuse: (error) => {
        ends.refused = error;
      },
    };
    const dialer: Dialer = {
      dial: dial ?? (async (to) => ({ conn: far, leg: { from: undefined, to, observed: false }, session })),
    };
    assert.ok(of.connect);
    this.flows.accept(of, { targetOf: specTarget(of.connect), dialer }, inbound);
    return ends;
  }

  closed(flow: string): Promise<Extract<TunnelEvent, { event: "flow.close" }>> {
    return this.waiting.until(`the end of ${flow}`, () => {
      for (const event of this.events) if (event.event === "flow.close" && event.flow === flow) return event;
      return undefined;
    });
  }

  get names(): string[] {
    return this.events.map((event) => ("flow" in event ? `${event.event} ${event.flow}` : event.event));
  }
}

/** Both ends say goodbye. */
async function finish({ client, target }: Ends): Promise<void> {
  await Promise.all([client.end(), target.end(), readAll(client), readAll(target)]);
}

test("It is idle once the last flow has ended, those that came while it waited too.", { timeout }, async () => {
  const play = await Play.start();
  await play.flows.idle();
  const first = play.connect();
  assert.equal(play.flows.open, 1);
  let isIdle = false;
  const idle = play.flows.idle().then(() => {
    isIdle = true;
  });
  const second = play.connect();
  await finish(first);
  await play.closed("L1#1");
  assert.equal(isIdle, false);
  await finish(second);
  await idle;
  assert.equal(play.flows.open, 0);
});

test("Each forward counts its own flows.", { timeout }, async () => {
  const play = await Play.start();
  const all = [forward(0), forward(1), forward(0), forward(2), forward(0)].map((of) => play.connect(of));
  await Promise.all(all.map(finish));
  await play.flows.drain(never);
  const opened = play.events.flatMap((event) => (event.event === "flow.open" ? [event.flow] : []));
  assert.deepEqual(opened, ["L1#1", "L2#1", "L1#2", "L3#1", "L1#3"]);
});

test("A flow that opens says who, where to, and what is known of its legs.", { timeout }, async () => {
  const play = await Play.start();
  await finish(play.connect());
  await play.closed("L1#1");
  assert.deepEqual(play.events[0], {
    event: "flow.open",
    flow: "L1#1",
    forward: "L1",
    origin,
    target: { host: "db", port: 5432 },
    legs: [
      { leg: 1, from: origin, to: { host: "127.0.0.1", port: 8080 }, observed: true },
      { leg: 2, from: session.from, to: session.to, observed: true },
      { leg: 3, from: undefined, to: { host: "db", port: 5432 }, observed: false },
    ],
  });
});

test("A flow that ended says how much went up and down, and has no error.", { timeout }, async () => {
  const play = await Play.start();
  const ends = play.connect();
  await ends.client.write(bytes("four"));
  await ends.target.write(bytes("seven b"));
  await finish(ends);
  const { ms, ...closed } = await play.closed("L1#1");
  assert.deepEqual(closed, {
    event: "flow.close",
    flow: "L1#1",
    forward: "L1",
    origin,
    target: { host: "db", port: 5432 },
    up: 4,
    down: 7,
    reason: "ended",
  });
  assert.ok(Number.isInteger(ms) && ms >= 0);
});

test("What nobody hears is not told, and the flow goes as it would.", { timeout }, async () => {
  class Listed extends Bus {
    readonly told: string[] = [];
    override publish(event: BusEvent): void {
      this.told.push(event.event);
    }
  }
  const bus = new Listed();
  const telling = tellingTo(undefined, { bus });
  const flows = new Flows(await Chain.setUp([], telling, { version: "0" }), telling);
  const [client, near] = connPair();
  const [far, target] = connPair();
  const leg = { from: origin, to: { host: "127.0.0.1", port: 8080 }, observed: true };
  const dialer: Dialer = { dial: async (to) => ({ conn: far, leg: { from: undefined, to, observed: false } }) };
  const inbound = { origin, leg, accept: async () => near, refuse: () => assert.fail("it was refused") };
  flows.accept(
    forward(0),
    { targetOf: (from) => ({ inbound: from, target: { host: "db", port: 5432 } }), dialer },
    inbound,
  );
  await client.write(bytes("hello"));
  await client.end();
  await target.end();
  assert.deepEqual((await readAll(target)).length, 5);
  await flows.idle();
  assert.deepEqual(bus.told, []);
});

test("A redirect by a plugin shows in what is reported.", { timeout }, async () => {
  const play = await Play.start({
    name: "redirect",
    setup: () => (flow, next) => {
      flow.target = { host: "10.0.0.9", port: 1 };
      return next();
    },
  });
  await finish(play.connect());
  const closed = await play.closed("L1#1");
  assert.deepEqual(closed.target, { host: "10.0.0.9", port: 1 });
  assert.deepEqual(play.events[0]?.event === "flow.open" && play.events[0].target, { host: "10.0.0.9", port: 1 });
});

const failures = [
  ["target.refused", 3, true],
  ["target.prohibited", 2, true],
  ["target.unreachable", 3, true],
  ["plugin.failed", undefined, true],
  ["internal", undefined, true],
  ["cancelled", undefined, false],
  ["ssh.lost", 2, false],
  ["ssh.auth-failed", 2, false],
  ["ssh.host-key-changed", 2, false],
  ["ssh.unreachable", 2, true],
] as const;

for (const [code, leg, told] of failures) {
  const how = told ? "is told as an error" : "only stands in its end: it is told elsewhere";
  test(`A flow that was refused with ${code} ${how}.`, { timeout }, async () => {
    const play = await Play.start();
    const error = new PorthopError(code, "no", { leg });
    const ends = play.connect(forward(0), () => Promise.reject(error));
    const closed = await play.closed("L1#1");
    assert.deepEqual([closed.reason, closed.error, ends.refused], ["refused", error, error]);
    assert.deepEqual(play.names, [...(told ? ["error L1#1"] : []), "flow.close L1#1"], "it never opened");
  });

  test(`A flow that was broken by ${code} ${how}.`, { timeout }, async () => {
    const play = await Play.start();
    const error = new PorthopError(code, "broken", { leg });
    const ends = play.connect();
    await ends.client.write(bytes("x"));
    await ends.target.read();
    ends.target.abort(error);
    const closed = await play.closed("L1#1");
    assert.deepEqual([closed.reason, closed.error, ends.client.aborted], ["aborted", error, error]);
    assert.equal(closed.by, leg === 2 ? "session" : leg === 3 ? "target" : undefined);
    assert.deepEqual(play.names, ["flow.open L1#1", ...(told ? ["error L1#1"] : []), "flow.close L1#1"]);
  });
}

test("A client that leaves in the middle is everyday life, and no error.", { timeout }, async () => {
  const play = await Play.start();
  const ends = play.connect();
  await ends.client.write(bytes("x"));
  await ends.target.read();
  ends.client.abort(new PorthopError("target.unreachable", "the connection broke", { leg: 1 }));
  const closed = await play.closed("L1#1");
  assert.deepEqual([closed.reason, closed.error?.leg, closed.by], ["aborted", 1, "origin"]);
  assert.deepEqual(play.names, ["flow.open L1#1", "flow.close L1#1"]);
});

test("A flow that a plugin ended was aborted by that plugin, and nothing failed.", { timeout }, async () => {
  const play = await Play.start({
    name: "cut",
    setup: () => (flow, next) => {
      flow.up.tap(() => flow.abort("one byte is enough"));
      return next();
    },
  });
  const ends = play.connect();
  await ends.client.write(bytes("x"));
  const closed = await play.closed("L1#1");
  assert.deepEqual([closed.reason, closed.by], ["aborted", "plugin:cut"]);
  assert.equal(closed.error?.message, "plugin cut ended this flow: one byte is enough");
  assert.deepEqual(play.names, ["flow.open L1#1", "flow.close L1#1"]);
  assert.ok(ends.client.aborted !== undefined && ends.target.aborted !== undefined);
});

test("A plugin that failed is an error, and the one who broke the flow off.", { timeout }, async () => {
  const play = await Play.start({
    name: "odd",
    setup: () => async (_flow, next) => {
      await next();
      throw new Error("no luck");
    },
  });
  await finish(play.connect());
  const closed = await play.closed("L1#1");
  assert.deepEqual([closed.reason, closed.by, closed.error?.code], ["aborted", "plugin:odd", "plugin.failed"]);
});

test("An observer that throws is dropped with one warning that names the plugin and the flow.", {
  timeout,
}, async () => {
  const play = await Play.start({
    name: "nosy",
    setup: () => (flow, next) => {
      flow.up.tap(() => {
        throw new Error("too much");
      });
      return next();
    },
  });
  const ends = play.connect(forward(1));
  await ends.client.write(bytes("one"));
  await ends.client.write(bytes("two"));
  await finish(ends);
  assert.equal((await play.closed("L2#1")).up, 6);
  assert.deepEqual(play.log.lines, ["warn nosy: stopped watching L2#1: Error: too much"]);
});

test("With nothing open a drain is over at once.", { timeout }, async () => {
  const play = await Play.start();
  await play.flows.drain(never);
  await finish(play.connect());
  await play.closed("L1#1");
  await play.flows.drain(never);
});

test("A drain waits for all flows, and is over with the last.", { timeout }, async () => {
  const play = await Play.start();
  const [first, second] = [play.connect(), play.connect()];
  let over = false;
  const drained = play.flows.drain(never).then(() => {
    over = true;
  });
  await finish(first);
  await play.closed("L1#1");
  assert.equal(over, false);
  await finish(second);
  await drained;
  assert.equal((await play.closed("L1#2")).reason, "ended");
});

test("Without patience the rest is broken at both ends.", { timeout }, async () => {
  const play = await Play.start();
  const [first, second] = [play.connect(), play.connect()];
  await finish(second);
  await play.closed("L1#2");
  await play.flows.drain(over);
  const closed = await play.closed("L1#1");
  assert.deepEqual([closed.reason, closed.error?.code], ["aborted", "cancelled"]);
  assert.ok(first.client.aborted !== undefined && first.target.aborted !== undefined);
  assert.equal((await play.closed("L1#2")).reason, "ended");
});

test("Patience that ends while it waits breaks the rest.", { timeout }, async () => {
  const play = await Play.start();
  play.connect();
  const patience = Promise.withResolvers<void>();
  const drained = play.flows.drain(patience.promise);
  patience.resolve();
  await drained;
  assert.equal((await play.closed("L1#1")).reason, "aborted");
});

test("A flow whose target is still being dialed is refused, and not told as an error.", { timeout }, async () => {
  const play = await Play.start();
  const ends = play.connect(forward(0), (_target, _origin, signal) => {
    return new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  });
  await play.flows.drain(over);
  assert.deepEqual([play.names, ends.refused?.code], [["flow.close L1#1"], "cancelled"]);
});

test("A plugin that pays no heed to its flow's end is not waited for for ever.", { timeout }, async () => {
  const play = await Play.start({
    name: "deaf",
    setup: () => async (_flow, next) => {
      await next().catch(() => {});
      await new Promise(() => {});
    },
  });
  play.connect();
  const start = performance.now();
  await play.flows.drain(over);
  assert.ok(performance.now() - start < 10_000);
});
