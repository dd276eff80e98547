import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { PorthopError } from "../../../src/errors.ts";
import type { Stage } from "../../../src/plugin.ts";
import { broken, type CarryOptions, carryFlow, hanging, quiet, stateOf } from "../../kit/carried-flow.ts";
import { readAll, writeAll } from "../../kit/memory-conn.ts";
import { randomBytes, randomChunks } from "../../kit/random.ts";

const passing: Stage = async function* (chunks) {
  for await (const chunk of chunks) yield chunk;
};

/** The same flow with nothing in it, and with stages both ways. */
const ways: readonly (readonly [string, CarryOptions])[] = [
  ["without stages", {}],
  [
    "through stages",
    {
      middlewares: {
        one: hanging((flow) => {
          flow.up.pipe(passing);
          flow.down.pipe(passing);
        }),
      },
    },
  ],
];

test("Of bytes that nobody took the leg shows no clean end, but a break.", async () => {
  const told: string[] = [];
  const carried = await carryFlow({
    middlewares: {
      watching: hanging((flow) => {
        flow.legs[2].watch({
          ended: (direction) => void told.push(`ended ${direction}`),
          aborted: (by) => void told.push(`aborted ${by}`),
        });
      }),
    },
  });
  const answer = carried.target.write(randomBytes(10));
  carried.target.leave(new PorthopError("target.unreachable", "it has gone", { leg: 3 }));
  await carried.origin.write(randomBytes(10));
  await readAll(carried.origin);
  await answer;
  assert.equal((await carried.outcome).reason, "aborted");
  assert.deepEqual(told, ["ended down", "aborted down"]);
});

test("Of a client that is left, and has not ended, the leg shows no end.", async () => {
  for (const endsItself of [false, true]) {
    const told: string[] = [];
    const watching = hanging((flow) => {
      flow.legs[0].watch({ ended: (direction) => void told.push(`ended ${direction}`) });
    });
    const carried = await carryFlow({ middlewares: { watching } });
    const answer = carried.target.write(randomBytes(10));
    carried.target.leave(new PorthopError("target.unreachable", "it has gone", { leg: 3 }));
    await readAll(carried.origin);
    await answer;
    if (endsItself) await carried.origin.end();
    assert.deepEqual(await carried.outcome, { reason: "ended" });
    assert.deepEqual(told, endsItself ? ["ended down", "ended up"] : ["ended down"]);
  }
});

for (const [way, options] of ways) {
  test(`Bytes pass both ways at once, and the flow ends when both halves have, ${way}.`, async () => {
    const { origin, target, outcome, steps, flow } = await carryFlow(options);
    const [answer, question] = await Promise.all([
      readAll(origin),
      readAll(target),
      writeAll(origin, randomChunks(300_000, 1)),
      writeAll(target, randomChunks(400_000, 2)),
    ]);
    assert.deepEqual(Buffer.from(question), Buffer.from(randomBytes(300_000, 1)));
    assert.deepEqual(Buffer.from(answer), Buffer.from(randomBytes(400_000, 2)));
    assert.deepEqual(await outcome, { reason: "ended" });
    assert.deepEqual(steps, ["dial db.internal:5432", "dialed", "accept", "opened"]);
    assert.deepEqual([flow.up.bytes, flow.down.bytes], [300_000, 400_000]);
    assert.deepEqual([origin.aborted, target.aborted], [undefined, undefined]);
  });

  for (const first of ["origin", "target"] as const) {
    test(`Promise 3: half-close survives end to end: the ${first} ends, and a late answer still comes back, ${way}.`, async () => {
      const carried = await carryFlow(options);
      const asking = carried[first];
      const answering = first === "origin" ? carried.target : carried.origin;
      await writeAll(asking, [randomBytes(1_000)]);
      assert.equal((await readAll(answering)).length, 1_000, "the end has come through while the other half is open");
      assert.equal(await stateOf(carried.outcome), "pending");
      assert.equal(answering.ended, false);
      const [answer] = await Promise.all([readAll(asking), writeAll(answering, randomChunks(200_000, 7))]);
      assert.deepEqual(Buffer.from(answer), Buffer.from(randomBytes(200_000, 7)));
      assert.deepEqual(await carried.outcome, { reason: "ended" });
    });
  }

  for (const leaving of ["origin", "target"] as const) {
    test(`What the ${leaving} sent before it went is delivered whole, then the end, also to who says nothing, ${way}.`, async () => {
      const carried = await carryFlow({ ...options, capacityBytes: 5000 });
      const gone = carried[leaving];
      const staying = leaving === "origin" ? carried.target : carried.origin;
      const written = Promise.all([...randomChunks(20_000, 3)].map((chunk) => gone.write(chunk)));
      gone.leave(new PorthopError("target.unreachable", "it has gone"));
      assert.deepEqual(Buffer.from(await readAll(staying)), Buffer.from(randomBytes(20_000, 3)));
      await written;
      assert.deepEqual(await carried.outcome, { reason: "ended" });
      assert.deepEqual([staying.aborted, staying.isCut], [undefined, true]);
    });

    test(`Once the answer of the ${leaving} was delivered, its going is a break to who still speaks, ${way}.`, async () => {
      const carried = await carryFlow(options);
      const gone = carried[leaving];
      const staying = leaving === "origin" ? carried.target : carried.origin;
      await writeAll(gone, [randomBytes(10)]);
      assert.equal((await readAll(staying)).length, 10);
      await quiet();
      const reason = new PorthopError("target.unreachable", "it has gone", { leg: 3 });
      // Before it has gone it is heard by nobody: what is written then waits there.
      const heard = staying.write(randomBytes(5));
      gone.leave(reason);
      await heard;
      assert.deepEqual(await carried.outcome, { reason: "aborted", error: reason });
      assert.equal(staying.aborted, reason);
    });

    test(`Who still speaks to the ${leaving} that has gone gets its answer all the same, and the flow says what was lost, ${way}.`, async () => {
      const carried = await carryFlow({ ...options, capacityBytes: 5000 });
      const gone = carried[leaving];
      const staying = leaving === "origin" ? carried.target : carried.origin;
      const answer = Promise.all([...randomChunks(20_000, 4)].map((chunk) => gone.write(chunk)));
      gone.leave(new PorthopError("target.unreachable", "it has gone", { leg: 3 }));
      // More than all buffers hold: somebody has to take it, or who writes would never come to read.
      for (const chunk of randomChunks(50_000, 5)) await staying.write(chunk);
      assert.deepEqual(Buffer.from(await readAll(staying)), Buffer.from(randomBytes(20_000, 4)));
      await answer;
      const outcome = await carried.outcome;
      assert.deepEqual(outcome.reason === "aborted" && outcome.error.message, "it has gone");
      assert.equal(staying.aborted, undefined);
    });
  }

  for (const side of ["origin", "target"] as const) {
    for (const when of [
      "at once",
      "in the middle of a transfer",
      "after its half-close",
      "after the other's half-close",
    ]) {
      test(`Promise 4: the ${side} breaks ${when}: the other end sees a break and never a clean end, ${way}.`, async () => {
        const carried = await carryFlow({ ...options, capacityBytes: 1_000 });
        const breaking = carried[side];
        const other = side === "origin" ? carried.target : carried.origin;
        await quiet();
        if (when === "in the middle of a transfer") {
          await breaking.write(randomBytes(500));
          await other.write(randomBytes(500));
          assert.equal((await other.read())?.length, 500);
          assert.equal((await breaking.read())?.length, 500);
        }
        if (when === "after its half-close") {
          await breaking.end();
          assert.equal(await other.read(), undefined);
        }
        if (when === "after the other's half-close") {
          await other.end();
          assert.equal(await breaking.read(), undefined);
        }
        const reading = when === "after its half-close" ? undefined : assert.rejects(other.read(), /the cable was cut/);
        const reason = broken(side === "origin" ? 1 : 3);
        breaking.abort(reason);
        assert.deepEqual(await carried.outcome, { reason: "aborted", error: reason });
        await reading;
        await assert.rejects(other.write(randomBytes(1)), reason);
        await assert.rejects(other.end(), reason);
        assert.equal(carried.flow.signal.reason, reason, "and the plugins are told");
      });
    }
  }

  test(`Promise 4: an abort of the flow, as by a stop of porthop, breaks both ends, ${way}.`, async () => {
    const { flow, origin, target, outcome } = await carryFlow(options);
    await quiet();
    const reason = new PorthopError("cancelled", "porthop is stopping");
    flow.abort(reason);
    assert.deepEqual(await outcome, { reason: "aborted", error: reason });
    await assert.rejects(origin.read(), reason);
    await assert.rejects(target.read(), reason);
  });
}

test("Promise 4: a break of one end is carried on though the other end does not read and its writer waits.", async () => {
  const { origin, target, outcome } = await carryFlow({ capacityBytes: 100 });
  const writing = writeAll(origin, randomChunks(10_000, 1, 50));
  assert.equal(await stateOf(writing), "pending");
  const reason = broken(1);
  const cut = assert.rejects(writing, reason);
  origin.abort(reason);
  await cut;
  assert.deepEqual(await outcome, { reason: "aborted", error: reason });
  await assert.rejects(target.read(), reason);
});

test("Promise 4: whatever was under way, a broken flow never ends with a clean end at the other side.", async () => {
  const byOrigin = fc.boolean();
  const sizes = fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(
      byOrigin,
      sizes,
      sizes,
      fc.nat(500),
      fc.boolean(),
      async (breaksOrigin, up, down, capacityBytes, staged) => {
        const carried = await carryFlow({ ...(staged ? ways[1]?.[1] : {}), capacityBytes });
        const breaking = breaksOrigin ? carried.origin : carried.target;
        const other = breaksOrigin ? carried.target : carried.origin;
        // Neither side ends, so that no end may be seen; what waits in the buffers may be lost with the break.
        const writes = [
          ...up.map((bytes) => breaking.write(randomBytes(bytes))),
          ...down.map((bytes) => other.write(randomBytes(bytes))),
        ];
        const settled = Promise.allSettled(writes);
        await quiet();
        const reason = broken(breaksOrigin ? 1 : 3);
        breaking.abort(reason);
        assert.deepEqual(await carried.outcome, { reason: "aborted", error: reason });
        await settled;
        await assert.rejects(readAll(other), reason);
      },
    ),
    { numRuns: 60 },
  );
});

for (const direction of ["up", "down"] as const) {
  test(`Promise 4: a stage that throws on the way ${direction} breaks both ends, and names its plugin.`, async () => {
    const { flow, origin, target, outcome } = await carryFlow({
      middlewares: {
        strict: hanging((each) => {
          each[direction].pipe(async function* (chunks) {
            for await (const chunk of chunks) {
              yield chunk;
              throw new Error("seen enough");
            }
          });
        }),
      },
    });
    const [writer, reader] = direction === "up" ? [origin, target] : [target, origin];
    await writer.write(randomBytes(10));
    const result = await outcome;
    assert.ok(result.reason === "aborted");
    assert.equal(result.error.message, "plugin strict failed on this flow: seen enough");
    assert.equal(flow.signal.reason, result.error, "and the other plugins are told");
    await assert.rejects(readAll(reader), result.error);
    await assert.rejects(writer.read(), result.error);
  });
}

test("An abort that comes after the end, while a middleware still works, is the outcome; what has ended stays ended.", async () => {
  const reason = broken();
  const { origin, target, outcome, flow } = await carryFlow({
    middlewares: {
      slow: async (each, next) => {
        await next();
        await new Promise((resolve) => each.signal.addEventListener("abort", resolve));
      },
    },
  });
  await Promise.all([origin.end(), target.end(), readAll(origin), readAll(target)]);
  assert.equal(await stateOf(outcome), "pending");
  flow.abort(reason);
  assert.deepEqual(await outcome, { reason: "aborted", error: reason });
  assert.deepEqual([origin.aborted, target.aborted], [undefined, undefined]);
});

test("A stage that sleeps does not hold a flow that was aborted, whoever aborts it.", async () => {
  for (const by of ["origin", "target", "flow"] as const) {
    let asleep = false;
    const carried = await carryFlow({
      middlewares: {
        sleeper: hanging((flow) =>
          flow.up.pipe(async function* (chunks) {
            for await (const chunk of chunks) {
              asleep = true;
              await new Promise(() => {});
              yield chunk;
            }
          }),
        ),
      },
    });
    await carried.origin.write(randomBytes(1));
    await quiet();
    assert.ok(asleep);
    const reason = broken(by === "origin" ? 1 : by === "target" ? 3 : undefined);
    carried[by].abort(reason);
    assert.deepEqual(await carried.outcome, { reason: "aborted", error: reason });
    await assert.rejects(carried.origin.read(), reason);
    await assert.rejects(carried.target.read(), reason);
  }
});

test("A stage that wakes after the abort can tidy up, and what it still says goes nowhere.", async () => {
  let wake = () => {};
  let tidied = false;
  const { origin, target, flow, outcome } = await carryFlow({
    middlewares: {
      sleeper: hanging((flow) =>
        flow.up.pipe(async function* (chunks) {
          try {
            for await (const chunk of chunks) {
              await new Promise<void>((resolve) => {
                wake = resolve;
              });
              yield chunk;
            }
          } finally {
            tidied = true;
          }
        }),
      ),
    },
  });
  await origin.write(randomBytes(1));
  await quiet();
  flow.abort(broken());
  await outcome;
  wake();
  await quiet();
  assert.equal(tidied, true);
  assert.equal(target.readBytes, 0);
});

test("Promise 7: the inbound is answered only after the dial succeeded.", async () => {
  let succeed = () => {};
  const { steps, outcome, origin, target } = await carryFlow({
    dial: async (dialed) => {
      await new Promise<void>((resolve) => {
        succeed = resolve;
      });
      return await dialed;
    },
  });
  await origin.write(randomBytes(10));
  await quiet();
  assert.deepEqual(steps, ["dial db.internal:5432"]);
  succeed();
  await quiet();
  assert.deepEqual(steps, ["dial db.internal:5432", "dialed", "accept", "opened"]);
  await Promise.all([origin.end(), target.end(), readAll(origin), readAll(target)]);
  assert.deepEqual(await outcome, { reason: "ended" });
});

test("Promise 7: when the dial fails, the inbound is refused with that very error and never accepted.", async () => {
  const refusal = new PorthopError("target.refused", "db.internal:5432 refused the connection", { leg: 3 });
  let fail = () => {};
  const { steps, outcome, origin, flow } = await carryFlow({
    dial: () =>
      new Promise((_resolve, reject) => {
        fail = () => reject(refusal);
      }),
  });
  await quiet();
  assert.deepEqual(steps, ["dial db.internal:5432"]);
  fail();
  const result = await outcome;
  assert.ok(result.reason === "refused");
  assert.equal(result.error, refusal);
  assert.deepEqual(steps, ["dial db.internal:5432", "refuse target.refused"]);
  await assert.rejects(origin.read(), refusal);
  assert.equal(flow.signal.reason, refusal, "and the plugins are told");
});

test("A dial that fails with anything but a PorthopError is a defect of porthop's, and says so.", async () => {
  const { outcome, steps } = await carryFlow({ dial: () => Promise.reject(new TypeError("x is not a function")) });
  const result = await outcome;
  assert.ok(result.reason === "refused");
  assert.equal(result.error.code, "internal");
  assert.match(result.error.message, /x is not a function/);
  assert.deepEqual(steps, ["dial db.internal:5432", "refuse internal"]);
});

test("The dialer is asked for the flow's target, on behalf of its origin, with the flow's signal.", async () => {
  let asked: unknown[] = [];
  const { flow } = await carryFlow({
    dial: (dialed, ...rest) => {
      asked = rest;
      return dialed;
    },
  });
  await quiet();
  assert.deepEqual(asked, [flow.target, flow.origin, flow.cancel, undefined]);
  flow.abort(broken());
});

test("When the accepting fails after the dial, the target is broken off and the outcome has the error.", async () => {
  const gone = broken(1);
  const { outcome, target, steps } = await carryFlow({ accept: () => Promise.reject(gone) });
  const result = await outcome;
  assert.ok(result.reason !== "ended");
  assert.equal(result.error, gone);
  await assert.rejects(target.read(), gone);
  assert.ok(!steps.includes("opened"), "a flow that was never joined is not told open");
});

test("An abort during the dial refuses the inbound with its reason, through a dialer that heeds the signal.", async () => {
  const { flow, outcome, steps, origin } = await carryFlow({
    dial: (_dialed, _target, _origin, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
      }),
  });
  await quiet();
  const reason = new PorthopError("cancelled", "porthop is stopping");
  flow.abort(reason);
  const result = await outcome;
  assert.ok(result.reason !== "ended");
  assert.equal(result.error, reason);
  assert.deepEqual(steps, ["dial db.internal:5432", "refuse cancelled"]);
  await assert.rejects(origin.read(), reason);
});

test("A connection that is dialed all the same after an abort is broken off, and nothing is accepted.", async () => {
  const { flow, outcome, steps, target } = await carryFlow({
    dial: async (dialed) => {
      await quiet();
      await quiet();
      return await dialed;
    },
  });
  await quiet();
  const reason = broken();
  flow.abort(reason);
  const result = await outcome;
  assert.ok(result.reason !== "ended");
  assert.equal(result.error, reason);
  await assert.rejects(target.read(), reason);
  assert.deepEqual(steps, ["dial db.internal:5432", "dialed", "refuse target.unreachable"]);
});

test("A flow that was aborted before next() is not dialed any more.", async () => {
  const { flow, outcome, steps, origin } = await carryFlow({
    middlewares: {
      asking: async (_flow, next) => {
        await quiet();
        await quiet();
        await next();
      },
    },
  });
  const reason = broken();
  flow.abort(reason);
  const result = await outcome;
  assert.ok(result.reason !== "ended");
  assert.equal(result.error, reason);
  assert.deepEqual(steps, ["refuse target.unreachable"]);
  await assert.rejects(origin.read(), reason);
});

test("An abort while the inbound is being answered breaks both ends and never tells the flow open.", async () => {
  let answered = () => {};
  const { flow, outcome, steps, origin, target } = await carryFlow({
    accept: async (conn) => {
      await new Promise<void>((resolve) => {
        answered = resolve;
      });
      return conn;
    },
  });
  await quiet();
  assert.equal(steps.at(-1), "accept");
  const reason = broken(2);
  flow.abort(reason);
  answered();
  const result = await outcome;
  assert.ok(result.reason !== "ended");
  assert.equal(result.error, reason);
  await assert.rejects(origin.read(), reason);
  await assert.rejects(target.read(), reason);
  assert.ok(!steps.includes("opened"));
});

test("Leg 2 of a flow that came by a session is known before anything else is; without one it stays unknown.", async () => {
  const session = { from: { host: "10.0.0.2", port: 33450 }, to: { host: "10.0.0.9", port: 22 }, observed: true };
  for (const given of [session, undefined]) {
    let early: unknown;
    const looking = hanging(({ legs: [, { from }] }) => {
      early = from;
    });
    const { flow } = await carryFlow({ middlewares: { looking }, ...(given === undefined ? {} : { session: given }) });
    assert.equal(early, given?.from);
    assert.deepEqual(
      [flow.legs[1].from, flow.legs[1].to, flow.legs[1].observed],
      [given?.from, given?.to, given !== undefined],
    );
    await quiet();
    flow.abort(broken());
  }
});

test("Leg 2 of a flow is the session that stands when it begins, also when its target is refused.", async () => {
  const through = { from: { host: "10.0.0.2", port: 33449 }, to: { host: "10.0.0.9", port: 22 }, observed: true };
  let early: unknown;
  const looking = hanging(({ legs: [, { from }] }) => {
    early = from;
  });
  const dial = () => Promise.reject(broken(3));
  const { flow, outcome } = await carryFlow({ middlewares: { looking }, through, dial });
  await outcome;
  assert.deepEqual([early, flow.legs[1].from, flow.legs[1].observed], [through.from, through.from, true]);
});

test("Leg 2 of a flow that was dialed through a later session is that one, known before leg 3 is told open.", async () => {
  const ends = { from: { host: "10.0.0.2", port: 33450 }, to: { host: "10.0.0.9", port: 22 }, observed: true };
  const session = { ...ends, session: "S2" };
  const through = { ...ends, from: { host: "10.0.0.2", port: 33449 }, session: "S1" };
  const told: unknown[] = [];
  const watching = hanging(({ legs: [, second, third] }) => {
    told.push(second.session, second.from);
    third.watch({ opened: () => void told.push(second.session, second.from, second.to, second.observed) });
  });
  const { flow } = await carryFlow({
    middlewares: { watching },
    through,
    dial: async (dialed) => ({ ...(await dialed), session }),
  });
  await quiet();
  assert.deepEqual(told, ["S1", through.from, "S2", session.from, session.to, true]);
  flow.abort(broken());
});

test("A decision after the end changes nothing: the flow has ended for everybody.", async () => {
  const told: string[] = [];
  const { origin, target, outcome } = await carryFlow({
    middlewares: {
      late: async (flow, next) => {
        flow.legs[0].watch({ aborted: (by) => void told.push(by) });
        await next();
        flow.abort("too late");
      },
    },
  });
  await Promise.all([origin.end(), target.end(), readAll(origin), readAll(target)]);
  assert.deepEqual([await outcome, told], [{ reason: "ended" }, []]);
  assert.deepEqual([origin.aborted, target.aborted], [undefined, undefined]);
});

test("A decision that comes behind a failure does not hide the failure.", async () => {
  const refused = new PorthopError("target.refused", "nobody listens there", { leg: 3 });
  const { outcome, steps } = await carryFlow({
    dial: () => Promise.reject(refused),
    middlewares: {
      tidy: async (flow, next) => {
        try {
          await next();
        } finally {
          flow.abort("cleanup");
        }
      },
    },
  });
  assert.deepEqual(await outcome, { reason: "refused", error: refused });
  assert.equal(steps.at(-1), "refuse target.refused");
});

test("A refusal stays one, whatever an outer plugin decides after it.", async () => {
  const { outcome } = await carryFlow({
    middlewares: {
      outer: (flow, next) => next().finally(() => flow.abort("cleanup")),
      inner: (flow) => flow.refuse("not today"),
    },
  });
  const result = await outcome;
  assert.equal(result.reason, "refused");
  assert.match(result.reason === "refused" ? result.error.message : "", /not today/);
});

test("A decision at the moment in which leg 3 opens refuses the inbound, and nothing is accepted.", async () => {
  const { outcome, steps, target } = await carryFlow({
    middlewares: {
      picky: hanging((flow) => flow.legs[2].watch({ opened: () => flow.abort("not this one") })),
    },
  });
  assert.equal((await outcome).reason, "aborted");
  assert.deepEqual(steps, ["dial db.internal:5432", "dialed", "refuse cancelled"]);
  assert.notEqual(target.aborted, undefined);
});

test("A stage that has returned and reads on in the background makes no second read of the conn.", async () => {
  const { origin, target, outcome } = await carryFlow({
    middlewares: {
      early: hanging((flow) =>
        flow.up.pipe(async function* (chunks) {
          const reading = chunks[Symbol.asyncIterator]();
          const first = await reading.next();
          // What reads on may fail with the flow.
          void (async () => {
            for (let next = await reading.next(); next.done !== true; next = await reading.next());
          })().catch(() => {});
          if (first.done !== true) yield first.value;
        }),
      ),
    },
  });
  const answer = readAll(target);
  await writeAll(origin, [randomBytes(3), randomBytes(3), randomBytes(3)]);
  await target.end();
  assert.equal((await answer).byteLength, 3);
  assert.equal((await readAll(origin)).byteLength, 0);
  assert.deepEqual(await outcome, { reason: "ended" });
});

/** A dial that ends when its flow is given up, as one that waits for a session. */
function waitingDial(): NonNullable<CarryOptions["dial"]> {
  return (_dialed, _target, _origin, signal) =>
    new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
}

test("A client that breaks off while its target is dialed ends its flow at once: the dial is given up.", async () => {
  const told: string[] = [];
  const { origin, outcome, steps, flow } = await carryFlow({
    middlewares: {
      watching: hanging((each) => {
        each.legs[0].watch({ aborted: (by) => void told.push(`aborted ${by}`) });
      }),
    },
    dial: waitingDial(),
  });
  await quiet();
  const reason = broken(1);
  origin.abort(reason);
  assert.deepEqual(await outcome, { reason: "aborted", error: reason });
  assert.deepEqual(steps, ["dial db.internal:5432"], "and nobody answers it");
  assert.deepEqual(told, ["aborted up"]);
  assert.equal(flow.signal.reason, reason);
});

test("A client that only ends its half while its target is dialed is carried, with its end.", async () => {
  const dialing = Promise.withResolvers<void>();
  const { origin, target, outcome } = await carryFlow({
    dial: async (dialed) => {
      await dialing.promise;
      return dialed;
    },
  });
  await writeAll(origin, [randomBytes(10)]);
  assert.equal(await stateOf(outcome), "pending");
  dialing.resolve();
  assert.deepEqual(Buffer.from(await readAll(target)), Buffer.from(randomBytes(10)));
  await writeAll(target, [randomBytes(20)]);
  assert.equal((await readAll(origin)).length, 20);
  assert.deepEqual(await outcome, { reason: "ended" });
});

test("Of a client that broke off while a plugin still thought, no target is dialed.", async () => {
  const thinking = Promise.withResolvers<void>();
  const { origin, outcome, steps } = await carryFlow({
    middlewares: {
      thinker: async (_flow, next) => {
        await thinking.promise;
        await next();
      },
    },
  });
  const reason = broken(1);
  origin.abort(reason);
  thinking.resolve();
  assert.deepEqual(await outcome, { reason: "aborted", error: reason });
  assert.deepEqual(steps, []);
});

test("A client that breaks off after its dial failed was refused, also while a plugin tidies up.", async () => {
  const tidying = Promise.withResolvers<void>();
  const refused = new PorthopError("target.refused", "no", { leg: 3 });
  const { origin, outcome } = await carryFlow({
    middlewares: { tidy: (_flow, next) => next().finally(() => tidying.promise) },
    dial: () => Promise.reject(refused),
  });
  await quiet();
  origin.abort(broken(1));
  tidying.resolve();
  assert.deepEqual(await outcome, { reason: "refused", error: refused });
});

test("A plugin that ends a flow while its target is dialed ends the dial, and the client is told.", async () => {
  const { outcome, steps } = await carryFlow({
    middlewares: {
      cut: async (flow, next) => {
        const over = next();
        await quiet();
        flow.abort("enough");
        await over;
      },
    },
    dial: waitingDial(),
  });
  const { reason } = await outcome;
  assert.deepEqual([reason, ...steps], ["aborted", "dial db.internal:5432", "refuse cancelled"]);
});
