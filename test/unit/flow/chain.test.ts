import assert from "node:assert/strict";
import { test } from "node:test";
import { PorthopError } from "../../../src/errors.ts";
import { Bus } from "../../../src/flow/bus.ts";
import { Chain, type PreparedPlugin } from "../../../src/flow/chain.ts";
import type { ReadOptions } from "../../../src/flow/running-options.ts";
import type { Host, Middleware, TunnelEvent, Wire } from "../../../src/plugin.ts";
import { broken, carryFlow, chainOf, hanging, liveFlow, quiet, stateOf } from "../../kit/carried-flow.ts";
import { LogLines } from "../../kit/log-lines.ts";
import { readAll } from "../../kit/memory-conn.ts";
import { tellingTo } from "../../kit/telling.ts";

const facts = { version: "0.0.0" };
const pass: Middleware = (_flow, next) => next();

test("Promise 8: all setup in order, one after the other; dispose in reverse.", async () => {
  const steps: string[] = [];
  const plugin = (name: string): PreparedPlugin => ({
    name,
    setup: async (host) => {
      steps.push(`set up ${name}`);
      host.onDispose(() => void steps.push(`dispose ${name}, registered first`));
      host.onDispose(async () => {
        await quiet();
        steps.push(`dispose ${name}, registered last`);
      });
      await quiet();
      steps.push(`${name} stands`);
      return pass;
    },
  });
  const chain = await setUp([plugin("a"), plugin("b")]);
  assert.deepEqual(steps.splice(0), ["set up a", "a stands", "set up b", "b stands"]);
  await chain.dispose();
  const each = (name: string) => [`dispose ${name}, registered last`, `dispose ${name}, registered first`];
  assert.deepEqual(steps.splice(0), [...each("b"), ...each("a")]);
  await chain.dispose();
  assert.deepEqual(steps, [], "once only");
});

test("Promise 8: instances outlive reconnects: one setup serves all flows and is told of every session.", async () => {
  let setups = 0;
  let flows = 0;
  const hosts: string[] = [];
  const bus = new Bus();
  const plugins: PreparedPlugin[] = [
    {
      name: "steady",
      setup: (host) => {
        setups += 1;
        host.onSession((wire) => void hosts.push(wire.host));
        return (_flow, next) => {
          flows += 1;
          return next();
        };
      },
    },
  ];
  const chain = await setUp(plugins, new LogLines(), bus);
  for (const host of ["first", "second"]) {
    bus.publish({ event: "wire", viewFor: () => wire(host) });
    await chain.run(
      (plugin) => liveFlow().enter(plugin),
      () => Promise.resolve(),
    );
  }
  assert.deepEqual([setups, flows, hosts], [1, 2, ["first", "second"]]);
});

test("A setup that fails disposes what was set up before it, and its own beginnings too; later plugins are never set up.", async () => {
  const steps: string[] = [];
  const plugin = (name: string, end?: () => never): PreparedPlugin => ({
    name,
    setup: (host) => {
      host.onDispose(() => void steps.push(`dispose ${name}`));
      steps.push(`set up ${name}`);
      return end?.() ?? pass;
    },
  });
  const cause = new Error("no such file: rules.json");
  const failing = plugin("b", () => {
    throw cause;
  });
  const error = await rejectionOf(setUp([plugin("a"), failing, plugin("c")]));
  assert.deepEqual(steps, ["set up a", "set up b", "dispose b", "dispose a"]);
  assert.equal(error.code, "plugin.failed");
  assert.equal(error.message, "plugin b could not be set up: no such file: rules.json");
  assert.equal(error.cause, cause);
});

test("A setup that rejects, throws a mere text or returns no middleware fails by name.", async () => {
  const setups: [PreparedPlugin["setup"], RegExp][] = [
    [() => Promise.reject(new Error("later")), /plugin odd could not be set up: later/],
    [
      () => {
        throw "a text";
      },
      /plugin odd could not be set up: a text/,
    ],
    [(() => undefined) as unknown as PreparedPlugin["setup"], /plugin odd .*returned no middleware/],
  ];
  for (const [setup, message] of setups) {
    const error = await rejectionOf(setUp([{ name: "odd", setup }]));
    assert.equal(error.code, "plugin.failed");
    assert.match(error.message, message);
  }
});

test("host.fail gives the error the code, the message and the hint that the plugin chose.", async () => {
  const failing = (hint?: string): PreparedPlugin => ({
    name: "limit",
    setup: (host) => host.fail("plugin.invalid", "plugin limit needs a rate", hint),
  });
  const chosen = await rejectionOf(setUp([failing("for example limit:up=1MB/s")]));
  assert.deepEqual(
    [chosen.code, chosen.message, chosen.hint],
    ["plugin.invalid", "plugin limit needs a rate", "for example limit:up=1MB/s"],
  );
  const plain = await rejectionOf(setUp([failing()]));
  assert.equal(plain.hint, new PorthopError("plugin.invalid", "x").hint, "the table's own hint");
});

test("A plugin's host knows the version, writes to the plugin's own log, and tells by its signal when the end comes.", async () => {
  const logs = new Map<string, LogLines>();
  let host: Host | undefined;
  let stoppedBeforeDispose: boolean | undefined;
  const chain = await Chain.setUp(
    [
      {
        name: "look",
        setup: (given) => {
          host = given;
          given.onDispose(() => {
            stoppedBeforeDispose = given.signal.aborted;
          });
          return pass;
        },
      },
    ],
    tellingTo(undefined, {
      loggerFor: (plugin = "porthop") => {
        const log = logs.get(plugin) ?? new LogLines();
        logs.set(plugin, log);
        return log;
      },
    }),
    { version: "1.2.3" },
  );
  assert.ok(host !== undefined);
  host.log.info("hello");
  assert.deepEqual([host.version, host.signal.aborted, logs.get("look")?.lines], ["1.2.3", false, ["info hello"]]);
  await chain.dispose();
  assert.equal(stoppedBeforeDispose, true);
});

test("A disposer that throws or rejects is warned about, and the others still run.", async () => {
  const log = new LogLines();
  const steps: string[] = [];
  const plugin = (name: string, dispose: () => void | Promise<void>): PreparedPlugin => ({
    name,
    setup: (host) => {
      host.onDispose(dispose);
      return pass;
    },
  });
  const throwing = () => {
    throw new Error("thrown");
  };
  const chain = await setUp(
    [
      plugin("a", () => void steps.push("a")),
      plugin("b", throwing),
      plugin("c", () => Promise.reject(new Error("rejected"))),
    ],
    log,
  );
  await chain.dispose();
  assert.deepEqual(steps, ["a"]);
  assert.deepEqual(log.lines, ["warn did not close cleanly: rejected", "warn did not close cleanly: thrown"]);
});

test("A plugin that cannot follow a session is warned about, and the others are told of it.", async () => {
  const log = new LogLines();
  const told: string[] = [];
  const following = (name: string, fn: (wire: Wire) => void): PreparedPlugin => ({
    name,
    setup: (host) => {
      host.onSession(fn);
      return pass;
    },
  });
  const bus = new Bus();
  const chain = await setUp(
    [
      following("a", () => {
        throw new Error("no room");
      }),
      following("b", (wire) => void told.push(wire.host)),
    ],
    log,
    bus,
  );
  const asked: string[] = [];
  const viewFor = (plugin: string) => {
    asked.push(plugin);
    return wire("vishnu");
  };
  bus.publish({ event: "wire", viewFor });
  await chain.dispose();
  bus.publish({ event: "wire", viewFor });
  assert.deepEqual([told, asked, log.lines], [["vishnu"], ["a", "b"], ["warn cannot follow this session: no room"]]);
});

/** A plugin that hears. */
function hearing(name: string, hear: (host: Host) => void): PreparedPlugin {
  return {
    name,
    setup: (host) => {
      hear(host);
      return pass;
    },
  };
}

const ready: TunnelEvent = { event: "ready", forwards: ["L1"] };

test("host.on hears the events of that name, in the order of the chain, from setup on and until the plugin is disposed.", async () => {
  const bus = new Bus();
  const heard: string[] = [];
  const chain = await setUp(
    [
      hearing("a", (host) => {
        host.on("ready", ({ forwards }) => void heard.push(`a ready ${forwards.join()}`));
        bus.publish(ready);
        host.onDispose(() => {
          host.on("ready", () => void heard.push("a comes too late"));
          bus.publish(ready);
        });
      }),
      hearing("b", (host) => {
        host.on("error", ({ error, flow }) => void heard.push(`b ${error.code} ${flow}`));
        host.on("ready", () => void heard.push("b ready"));
      }),
    ],
    new LogLines(),
    bus,
  );
  bus.publish(ready);
  bus.publish({ event: "error", error: broken(3), flow: "L1#1" });
  await chain.dispose();
  bus.publish(ready);
  assert.deepEqual(heard, ["a ready L1", "a ready L1", "b ready", "b target.unreachable L1#1"]);
});

test("Promise 5: what hears and throws or rejects is dropped with one warning; all others go on hearing.", async () => {
  const bus = new Bus();
  const log = new LogLines();
  const heard: string[] = [];
  const chain = await setUp(
    [
      hearing("faulty", (host) => {
        host.on("ready", () => {
          heard.push("throws");
          throw new Error("no room");
        });
        host.on("ready", async () => {
          heard.push("rejects");
          await quiet();
          throw new Error("no disk");
        });
        host.on("ready", () => void heard.push("sound"));
      }),
      hearing("other", (host) => host.on("ready", () => void heard.push("other"))),
    ],
    log,
    bus,
  );
  bus.publish(ready);
  // The one that rejects is under way twice by then.
  bus.publish(ready);
  await quiet();
  await quiet();
  bus.publish(ready);
  assert.deepEqual(heard, [
    ...["throws", "rejects", "sound", "other"],
    ...["rejects", "sound", "other"],
    ...["sound", "other"],
  ]);
  assert.deepEqual(log.lines, ["warn stopped hearing ready: no room", "warn stopped hearing ready: no disk"]);
  await chain.dispose();
});

test("Keys are heard by who asked for them alone, until the plugin is disposed; one that throws is dropped.", async () => {
  const bus = new Bus();
  const log = new LogLines();
  const heard: string[] = [];
  const keys = (session: string, line: string) => bus.publish({ event: "keys", session, line });
  const none = await setUp([hearing("none", (host) => host.on("ready", () => {}))], log, bus);
  assert.equal(bus.isHeard("keys"), false);
  await none.dispose();
  const chain = await setUp(
    [
      hearing("faulty", (host) =>
        host.keys(() => {
          throw new Error("no disk");
        }),
      ),
      hearing("keeper", (host) => host.keys((line, session) => void heard.push(`${session} ${line}`))),
    ],
    log,
    bus,
  );
  assert.equal(bus.isHeard("keys"), true);
  keys("S1", "0a 0b");
  keys("S2", "0c 0d");
  assert.deepEqual(heard, ["S1 0a 0b", "S2 0c 0d"]);
  assert.deepEqual(log.lines, ["warn stopped hearing keys: no disk"]);
  await chain.dispose();
  assert.equal(bus.isHeard("keys"), false);
});

test("An event that there is not is told to whoever wants to hear it, also one of porthop's inside.", async () => {
  for (const name of ["flow.opened", "wire", "keys", "toString"]) {
    const error = await rejectionOf(setUp([hearing("odd", (host) => host.on(name as "ready", () => {}))]));
    assert.equal(
      error.message,
      `plugin odd could not be set up: there is no event ${name}, only session, listening, ready, reconnect, held, forward.moved, forward.waiting, flow.open, flow.close, error`,
    );
  }
});

test("A setup that fails leaves nobody hearing.", async () => {
  const bus = new Bus();
  const failing = hearing("failing", (host) => {
    host.on("ready", () => assert.fail("it was disposed"));
    throw new Error("no rules");
  });
  await rejectionOf(setUp([failing], new LogLines(), bus));
  bus.publish(ready);
});

test("Options are changed by the plugin's place in the chain, and a plugin that is not there is told with those that are.", async () => {
  const changed: string[] = [];
  const limit = (place: string): PreparedPlugin => {
    const options = (rate: string): ReadOptions => ({
      values: { rate },
      with: (texts) => options(texts.get("rate") ?? rate),
    });
    return {
      name: "limit",
      options: options("1"),
      setup: (host) => {
        host.onOptions((values) => void changed.push(`${place} ${JSON.stringify(values)}`));
        return pass;
      },
    };
  };
  const chain = await setUp([limit("first"), { name: "log", setup: () => pass }, limit("second")]);
  chain.changeOptions("limit.2", new Map([["rate", "2"]]));
  chain.changeOptions("limit", new Map([["rate", "3"]]));
  assert.deepEqual(changed, ['second {"rate":"2"}', 'first {"rate":"3"}']);
  assert.throws(() => chain.changeOptions("limit.3", new Map()), {
    code: "plugin.not-found",
    message: 'there is no plugin "limit.3" in this tunnel',
    hint: "it runs with limit, log, limit.2",
  });
  assert.throws(() => chain.changeOptions("log", new Map()), { code: "plugin.invalid" });
  const bare = await setUp([]);
  assert.throws(() => bare.changeOptions("limit", new Map()), { hint: "it runs without plugins" });
});

test("The chain knows of which legs any plugin wants the true addresses.", async () => {
  assert.deepEqual([...(await chainOf({ a: pass })).locates], []);
  const wanting = (legs?: readonly (1 | 3)[]): PreparedPlugin => ({
    name: "capture",
    setup: (host) => {
      host.locateTargets(legs);
      return pass;
    },
  });
  assert.deepEqual([...(await setUp([{ name: "a", setup: () => pass }, wanting()])).locates], [3]);
  assert.deepEqual([...(await setUp([wanting([1]), wanting([1, 3])])).locates], [1, 3]);
  assert.deepEqual([...(await setUp([wanting([])])).locates], []);
});

test("Middlewares are an onion: entered first to last before the flow is carried, left last to first after it.", async () => {
  const steps: string[] = [];
  const layer =
    (name: string): Middleware =>
    async (_flow, next) => {
      steps.push(`enter ${name}`);
      await next();
      steps.push(`leave ${name}`);
    };
  const chain = await chainOf({ a: layer("a"), b: layer("b") });
  await chain.run(
    (plugin) => liveFlow().enter(plugin),
    async () => {
      steps.push("carry");
      await quiet();
      steps.push("carried");
    },
  );
  assert.deepEqual(steps, ["enter a", "enter b", "carry", "carried", "leave b", "leave a"]);
});

test("A chain without plugins just carries.", async () => {
  const { origin, target, outcome } = await carryFlow();
  await Promise.all([origin.end(), target.end(), readAll(origin), readAll(target)]);
  assert.deepEqual(await outcome, { reason: "ended" });
});

test("Promise 5: fail closed: a middleware or stage that throws ends this flow only, with an error naming the plugin.", async () => {
  const stage = hanging((flow) =>
    flow.up.pipe(async function* (chunks) {
      for await (const chunk of chunks) {
        if (Buffer.from(chunk).toString() === "bad") throw new Error("cannot parse this");
        yield chunk;
      }
    }),
  );
  const sound = await carryFlow({ middlewares: { parse: stage } });
  const failing = await carryFlow({ middlewares: { parse: stage } });
  await failing.origin.write(Buffer.from("bad"));
  const result = await failing.outcome;
  assert.ok(result.reason === "aborted");
  assert.equal(result.error.code, "plugin.failed");
  assert.equal(result.error.message, "plugin parse failed on this flow: cannot parse this");
  await assert.rejects(failing.origin.read(), result.error);
  await assert.rejects(failing.target.read(), result.error);
  await sound.origin.write(Buffer.from("good"));
  assert.equal(Buffer.from((await sound.target.read()) ?? "").toString(), "good");
  sound.flow.abort(broken());
});

const throwing: readonly (readonly [string, Middleware, "refused" | "aborted"])[] = [
  [
    "throws before next()",
    () => {
      throw new Error("oh no");
    },
    "refused",
  ],
  ["rejects before next()", () => Promise.reject(new Error("oh no")), "refused"],
  [
    "throws while the flow is under way",
    async (_flow, next) => {
      const done = next();
      await quiet();
      await Promise.race([done, Promise.reject(new Error("oh no"))]);
    },
    "aborted",
  ],
  [
    "throws right after next(), in the middle of the dialing",
    (_flow, next) => {
      void next();
      throw new Error("oh no");
    },
    "refused",
  ],
];
for (const [what, middleware, reason] of throwing) {
  test(`Promise 5: a middleware that ${what} ends the flow as ${reason}, names its plugin, and leaves no side open.`, async () => {
    const { origin, target, outcome, steps } = await carryFlow({ middlewares: { outer: pass, faulty: middleware } });
    const result = await outcome;
    assert.ok(result.reason !== "ended");
    assert.equal(result.reason, reason);
    assert.equal(result.error.message, "plugin faulty failed on this flow: oh no");
    await assert.rejects(origin.read(), result.error);
    await quiet();
    if (steps.includes("dialed")) await assert.rejects(target.read(), result.error);
    else assert.equal(target.aborted, undefined);
  });
}

test("Promise 5: a middleware that throws after the flow ended says so, though all bytes have arrived.", async () => {
  const { origin, target, outcome } = await carryFlow({
    middlewares: {
      faulty: async (_flow, next) => {
        await next();
        throw new Error("cannot write the report");
      },
    },
  });
  await origin.write(Buffer.from("all"));
  const [got] = await Promise.all([readAll(target), readAll(origin), origin.end(), target.end()]);
  assert.equal(Buffer.from(got).toString(), "all");
  const result = await outcome;
  assert.ok(result.reason === "aborted");
  assert.equal(result.error.message, "plugin faulty failed on this flow: cannot write the report");
  assert.equal(await origin.read(), undefined, "what ended cleanly stays so");
});

test("An error keeps the name of the plugin that it came from, though outer plugins rethrow it.", async () => {
  const { outcome } = await carryFlow({
    middlewares: {
      outer: async (_flow, next) => {
        try {
          await next();
        } catch (error) {
          throw error instanceof Error ? error : new Error("something else");
        }
      },
      inner: () => {
        throw new Error("it was me");
      },
    },
  });
  const result = await outcome;
  assert.ok(result.reason === "refused");
  assert.equal(result.error.message, "plugin inner failed on this flow: it was me");
});

test("A plugin that swallows the error of next() does not make a broken flow a good one.", async () => {
  const { origin, target, outcome } = await carryFlow({
    middlewares: { swallow: (_flow, next) => next().catch(() => {}) },
  });
  await quiet();
  const reason = broken(3);
  target.abort(reason);
  assert.deepEqual(await outcome, { reason: "aborted", error: reason });
  await assert.rejects(origin.read(), reason);
});

test("Promise 6: next() once: the second call throws, which ends the flow with an error that names the plugin.", async () => {
  const { origin, outcome, steps } = await carryFlow({
    middlewares: {
      twice: async (_flow, next) => {
        void next();
        await next();
      },
    },
  });
  const result = await outcome;
  assert.ok(result.reason !== "ended");
  assert.match(result.error.message, /plugin twice failed on this flow: next\(\) was called twice/);
  await assert.rejects(origin.read(), result.error);
  assert.equal(steps.filter((step) => step.startsWith("dial ")).length, 1);
});

test("Promise 6: a middleware that returns without calling next() refuses the flow.", async () => {
  for (const middleware of [() => {}, async () => quiet()]) {
    const { origin, outcome, steps } = await carryFlow({ middlewares: { silent: middleware, inner: pass } });
    const result = await outcome;
    assert.ok(result.reason === "refused");
    assert.equal(result.error.code, "target.prohibited");
    assert.match(result.error.message, /^plugin silent refused this flow/);
    assert.deepEqual(steps, ["refuse target.prohibited"]);
    await assert.rejects(origin.read(), result.error);
  }
});

test("Promise 6: a flow that its middleware has refused is not dialed by a next() that comes too late.", async () => {
  let late: Promise<void> | undefined;
  const { outcome, steps } = await carryFlow({
    middlewares: {
      slow: (_flow, next) => {
        setImmediate(() => {
          late = next();
        });
      },
    },
  });
  assert.equal((await outcome).reason, "refused");
  await quiet();
  await quiet();
  assert.ok(late !== undefined);
  await assert.rejects(late, /after its middleware had returned/);
  assert.deepEqual(steps, ["refuse target.prohibited"]);
});

test("A middleware that forgets to await next() does not end the flow early, nor hide how it ended.", async () => {
  const forgetful: Middleware = (_flow, next) => void next();
  const { origin, target, outcome } = await carryFlow({ middlewares: { forgetful, inner: pass } });
  assert.equal(await stateOf(outcome), "pending");
  await origin.write(Buffer.from("still here"));
  assert.equal(Buffer.from((await target.read()) ?? "").toString(), "still here");
  const reason = broken(1);
  origin.abort(reason);
  assert.deepEqual(await outcome, { reason: "aborted", error: reason });
});

function setUp(plugins: readonly PreparedPlugin[], log = new LogLines(), bus = new Bus()): Promise<Chain> {
  return Chain.setUp(plugins, tellingTo(log, { bus, loggerFor: () => log }), facts);
}

async function rejectionOf(promise: Promise<unknown>): Promise<PorthopError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof PorthopError);
  return error;
}

function wire(host: string): Wire {
  const [from, to] = [
    { host: "10.0.0.2", port: 33450 },
    { host: "10.0.0.9", port: 22 },
  ];
  return { id: "S1", host, port: 22, hop: 1, strand: 1, from, to, observed: true, watch: () => {} };
}
