import assert from "node:assert/strict";
import { test } from "node:test";
import type { Flow, Middleware } from "../../../src/plugin.ts";
import {
  broken,
  carryFlow,
  forwardInfo,
  hanging,
  liveFlow,
  originAddress,
  quiet,
  targetAddress,
} from "../../kit/carried-flow.ts";
import { readAll } from "../../kit/memory-conn.ts";

test("A plugin sees the flow's identity, its addresses and its three legs.", () => {
  const view = liveFlow().enter("look");
  assert.equal(view.id, "L1#17");
  assert.equal(view.forward, forwardInfo);
  assert.deepEqual(view.origin, originAddress);
  assert.deepEqual(view.target, targetAddress);
  assert.deepEqual(
    view.legs.map((leg) => leg.number),
    [1, 2, 3],
  );
  assert.deepEqual([view.up.bytes, view.down.bytes, view.signal.aborted], [0, 0, false]);
});

test("The age counts from the flow's start by the clock that it was given.", () => {
  let nowMs = 5_000;
  const view = liveFlow([], () => nowMs).enter("look");
  assert.equal(view.ageMs, 0);
  nowMs = 6_250;
  assert.equal(view.ageMs, 1_250);
});

test("A target set before next() is a redirect: it is what is dialed, and what later plugins and the flow itself say.", async () => {
  const elsewhere = { host: "127.0.0.1", port: 81 };
  let seenByNext: unknown;
  const { flow, origin, target, outcome, steps } = await carryFlow({
    middlewares: {
      redirect: hanging((flow) => {
        flow.target = elsewhere;
      }),
      look: hanging((flow) => {
        seenByNext = flow.target;
      }),
    },
  });
  await Promise.all([origin.end(), target.end(), readAll(origin), readAll(target)]);
  assert.deepEqual(await outcome, { reason: "ended" });
  assert.equal(steps[0], "dial 127.0.0.1:81");
  assert.deepEqual([seenByNext, flow.target, flow.legs[2].to], [elsewhere, elsewhere, elsewhere]);
});

test("A target set after next() is refused, and ends the flow with an error that names the plugin.", async () => {
  const { flow, origin, target, outcome } = await carryFlow({
    middlewares: {
      late: async (flow, next) => {
        const done = next();
        flow.target = { host: "127.0.0.1", port: 81 };
        await done;
      },
    },
  });
  const result = await outcome;
  assert.ok(result.reason !== "ended");
  assert.equal(result.error.code, "plugin.failed");
  assert.match(result.error.message, /plugin late .*before next\(\)/);
  assert.deepEqual(flow.target, targetAddress);
  await assert.rejects(origin.read(), result.error);
  await assert.rejects(target.read(), result.error);
});

test("A unix socket can be the target of a redirect.", async () => {
  const { steps, flow } = await carryFlow({
    middlewares: {
      redirect: hanging((flow) => {
        flow.target = { path: "/run/db.sock" };
      }),
    },
  });
  await quiet();
  assert.equal(steps[0], "dial /run/db.sock");
  flow.abort(broken());
});

test("Labels set by one plugin are seen by the others and stay on the flow.", async () => {
  let seen: [string, string][] = [];
  const { flow, origin, target, outcome } = await carryFlow({
    middlewares: {
      outer: async (flow, next) => {
        flow.labels.set("user", "anna");
        await next();
        seen = [...flow.labels];
      },
      inner: hanging((flow) => void flow.labels.set("db", "orders")),
    },
  });
  await Promise.all([origin.end(), target.end(), readAll(origin), readAll(target)]);
  await outcome;
  assert.deepEqual(seen, [
    ["user", "anna"],
    ["db", "orders"],
  ]);
  assert.deepEqual([...flow.labels], seen);
});

test("refuse() ends the flow before the target is dialed, with an error that names the plugin and its reason.", async () => {
  const { origin, outcome, steps } = await carryFlow({
    middlewares: { gate: (flow) => flow.refuse("not on Sundays") },
  });
  const result = await outcome;
  assert.equal(result.reason, "refused");
  assert.ok(result.reason === "refused");
  assert.equal(result.error.code, "target.prohibited");
  assert.equal(result.error.message, "plugin gate refused this flow: not on Sundays");
  assert.match(result.error.hint, /porthop plugins gate/);
  assert.deepEqual(steps, ["refuse target.prohibited"]);
  await assert.rejects(origin.read(), result.error);
});

test("refuse() after next() breaks the flow off on both sides: it is too late for an answer.", async () => {
  const { origin, target, outcome, steps } = await carryFlow({
    middlewares: {
      gate: async (flow, next) => {
        const done = next();
        await quiet();
        flow.refuse("changed my mind");
        await done;
      },
    },
  });
  const result = await outcome;
  assert.ok(result.reason === "aborted");
  assert.equal(result.error.message, "plugin gate refused this flow: changed my mind");
  assert.deepEqual(steps, ["dial db.internal:5432", "dialed", "accept", "opened"]);
  await assert.rejects(origin.read(), result.error);
  await assert.rejects(target.read(), result.error);
});

for (const [when, deciding] of [
  [
    "before next(), and next() is called all the same",
    (flow, next) => {
      flow.abort("enough");
      return next();
    },
  ],
  ["before next(), which is never called", (flow) => flow.abort("enough")],
  [
    "before it throws something of its own",
    (flow) => {
      flow.abort("enough");
      throw new Error("and now this");
    },
  ],
] as const satisfies readonly (readonly [string, Middleware])[]) {
  test(`abort() of a plugin ${when}: nothing is dialed, and the flow was aborted by that plugin.`, async () => {
    const { origin, outcome, steps, flow } = await carryFlow({ middlewares: { cut: deciding } });
    const result = await outcome;
    assert.ok(result.reason === "aborted");
    const { code, message, by, hint } = result.error;
    assert.deepEqual([code, message, by], ["cancelled", "plugin cut ended this flow: enough", "plugin:cut"]);
    assert.match(hint, /porthop plugins cut/);
    assert.deepEqual(steps, ["refuse cancelled"]);
    await assert.rejects(origin.read(), result.error);
    assert.equal(flow.signal.reason, result.error);
  });
}

test("abort() of a plugin while the target is dialed ends the dial, and nothing is accepted.", async () => {
  let view: Flow | undefined;
  const { outcome, steps } = await carryFlow({
    middlewares: {
      cut: hanging((flow) => {
        view = flow;
      }),
    },
    dial: (_dialed, _target, _origin, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
      }),
  });
  await quiet();
  view?.abort("too slow");
  const result = await outcome;
  assert.ok(result.reason === "aborted");
  assert.equal(result.error.by, "plugin:cut");
  assert.deepEqual(steps, ["dial db.internal:5432", "refuse cancelled"]);
});

for (const [where, hang] of [
  ["a tap", (flow) => flow.up.tap(() => flow.abort("enough"))],
  [
    "a stage that returns at once",
    (flow) =>
      flow.up.pipe(async function* cut(chunks) {
        for await (const chunk of chunks) {
          flow.abort("enough");
          if (chunk.byteLength === 0) yield chunk;
          return;
        }
      }),
  ],
  [
    "a stage that hands on what it has",
    (flow) =>
      flow.up.pipe(async function* cut(chunks) {
        for await (const chunk of chunks) {
          flow.abort("enough");
          yield chunk;
        }
      }),
  ],
] as const satisfies readonly (readonly [string, (flow: Flow) => void])[]) {
  test(`abort() in ${where} breaks both ends, never with a clean end and with nothing after it.`, async () => {
    const told: string[] = [];
    const { origin, target, outcome, steps } = await carryFlow({
      middlewares: {
        cut: hanging(hang),
        look: hanging((flow) =>
          flow.legs[2].watch({ ended: () => told.push("ended"), aborted: (by) => told.push(by) }),
        ),
      },
    });
    await origin.write(Buffer.from("x"));
    const result = await outcome;
    assert.ok(result.reason === "aborted");
    assert.deepEqual([result.error.by, steps.at(-1), told], ["plugin:cut", "opened", ["up"]]);
    for (const end of [origin, target]) {
      await assert.rejects(end.read(), result.error);
      assert.equal(end.ended, false);
    }
    assert.equal(target.readBytes, 0);
  });
}

test("Of several decisions the first one counts, and one after the flow's end changes nothing.", async () => {
  let view: Flow | undefined;
  const keeping = hanging((flow) => {
    view = flow;
  });
  const cut = await carryFlow({ middlewares: { cut: keeping } });
  await quiet();
  view?.abort("first");
  view?.abort("second");
  const result = await cut.outcome;
  assert.equal(result.reason === "aborted" && result.error.message, "plugin cut ended this flow: first");
  const { origin, target, outcome } = await carryFlow({ middlewares: { cut: keeping } });
  await Promise.all([origin.end(), target.end(), readAll(origin), readAll(target)]);
  assert.deepEqual(await outcome, { reason: "ended" });
  view?.abort("too late");
  assert.deepEqual([origin.aborted, target.aborted], [undefined, undefined]);
});

test("abort() fires the signal once, with the first reason, and settles `aborted` with it.", async () => {
  const flow = liveFlow();
  const view = flow.enter("look");
  let fired = 0;
  view.signal.addEventListener("abort", () => {
    fired += 1;
  });
  const first = broken(1);
  flow.abort(first);
  flow.abort(broken(3));
  assert.equal(fired, 1);
  assert.equal(view.signal.reason, first);
  assert.equal(await flow.aborted, first);
});

test("The signal does not fire for a flow that ends by itself.", async () => {
  const { flow, origin, target, outcome } = await carryFlow();
  await Promise.all([origin.end(), target.end(), readAll(origin), readAll(target)]);
  assert.deepEqual(await outcome, { reason: "ended" });
  await quiet();
  assert.equal(flow.signal.aborted, false);
});
