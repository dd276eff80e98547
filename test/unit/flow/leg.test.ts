import assert from "node:assert/strict";
import { test } from "node:test";
import { LiveLeg } from "../../../src/flow/leg.ts";
import type { Direction, LegNumber, Watcher } from "../../../src/plugin.ts";
import { broken, carryFlow, hanging, originAddress, quiet, targetAddress } from "../../kit/carried-flow.ts";
import { readAll } from "../../kit/memory-conn.ts";

const listenAddress = { host: "127.0.0.1", port: 3456 };

test("A flow that ends by itself tells each leg: opened, bytes, and the end of each direction, in their order.", async () => {
  const told = { first: new Told(), third: new Told() };
  const { origin, target, outcome } = await carryFlow({ middlewares: { watch: watching(told) } });
  await origin.write(bytes("hello"));
  await target.read();
  await origin.end();
  await target.read();
  await target.write(bytes("hi"));
  await target.end();
  await readAll(origin);
  assert.deepEqual(await outcome, { reason: "ended" });
  const both = ["opened", "up hello", "up ended", "down hi", "down ended"];
  assert.deepEqual(told.first.lines, both);
  assert.deepEqual(told.third.lines, both);
});

test("A stage between them makes the legs differ: leg 1 shows what the origin sent, leg 3 what the target got.", async () => {
  const told = { first: new Told(), third: new Told() };
  const { origin, target, outcome } = await carryFlow({
    middlewares: {
      watch: watching(told),
      shout: hanging((flow) =>
        flow.up.pipe(async function* (chunks) {
          for await (const chunk of chunks) yield bytes(Buffer.from(chunk).toString().toUpperCase());
          yield bytes("!");
        }),
      ),
    },
  });
  await origin.write(bytes("hello"));
  await Promise.all([origin.end(), target.end(), readAll(origin), readAll(target)]);
  await outcome;
  assert.deepEqual(told.first.of("up"), ["up hello", "up ended"]);
  assert.deepEqual(told.third.of("up"), ["up HELLO", "up !", "up ended"]);
});

test("A target that refuses is a refusal on leg 3 and a break by the listener on leg 1.", async () => {
  const told = { first: new Told(), third: new Told() };
  const refusal = Object.assign(broken(3), { code: "target.refused" });
  const { outcome } = await carryFlow({
    middlewares: { watch: watching(told) },
    dial: () => Promise.reject(refusal),
  });
  assert.equal((await outcome).reason, "refused");
  assert.deepEqual(told.first.lines, ["opened", "aborted by down"]);
  assert.deepEqual(told.third.lines, ["refused"]);
});

test("A target that was not dialed, or did not answer, leaves leg 3 without a word: nobody sent an RST.", async () => {
  for (const middleware of [undefined, hanging((flow) => flow.refuse("no"))]) {
    const told = { first: new Told(), third: new Told() };
    const { outcome } = await carryFlow({
      middlewares: { watch: watching(told), ...(middleware === undefined ? {} : { gate: middleware }) },
      dial: () => Promise.reject(broken(3)),
    });
    assert.equal((await outcome).reason, "refused");
    assert.deepEqual(told.first.lines, ["opened", "aborted by down"]);
    assert.deepEqual(told.third.lines, []);
  }
});

const breaks: readonly (readonly [string, LegNumber | undefined, Direction, Direction])[] = [
  ["the origin breaks, the break goes up on both legs", 1, "up", "up"],
  ["the target breaks, the break goes down on both legs", 3, "down", "down"],
  ["the session is lost between them, the break goes out to both ends", 2, "down", "up"],
  ["porthop itself breaks it, the break goes out to both ends", undefined, "down", "up"],
];
for (const [what, leg, first, third] of breaks) {
  test(`When ${what}.`, async () => {
    const told = { first: new Told(), third: new Told() };
    const { flow, origin, target, outcome } = await carryFlow({ middlewares: { watch: watching(told) } });
    await quiet();
    const reason = broken(leg);
    if (leg === 1) origin.abort(reason);
    else if (leg === undefined) flow.abort(reason);
    else target.abort(reason);
    await outcome;
    assert.deepEqual(told.first.lines, ["opened", `aborted by ${first}`]);
    assert.deepEqual(told.third.lines, ["opened", `aborted by ${third}`]);
    assert.equal(told.first.reason, reason);
    assert.equal(told.third.reason, reason);
  });
}

test("What breaks in the dialing already breaks leg 1 only: leg 3 was never told open.", async () => {
  const reason = broken();
  const told = { first: new Told(), third: new Told() };
  const { flow, outcome } = await carryFlow({
    middlewares: { watch: watching(told) },
    dial: async (dialed) => {
      await quiet();
      flow.abort(reason);
      return await dialed;
    },
  });
  assert.deepEqual(await outcome, { reason: "refused", error: reason });
  assert.deepEqual(told.first.lines, ["opened", "aborted by down"]);
  assert.deepEqual(told.third.lines, []);
});

test("A leg that has ended both ways cannot break any more, whatever a middleware does afterwards.", async () => {
  const told = { first: new Told(), third: new Told() };
  const { origin, target, outcome } = await carryFlow({
    middlewares: {
      watch: watching(told),
      late: async (_flow, next) => {
        await next();
        throw new Error("after all was over");
      },
    },
  });
  await Promise.all([origin.end(), target.end(), readAll(origin), readAll(target)]);
  assert.equal((await outcome).reason, "aborted");
  for (const leg of [told.first, told.third]) {
    assert.equal(leg.lines.at(0), "opened");
    assert.deepEqual(leg.lines.slice(1).toSorted(), ["down ended", "up ended"]);
  }
});

test("The legs know their addresses: leg 1 from the listener, leg 2 from the session, leg 3 from the dialer.", async () => {
  const session = { from: { host: "10.0.0.2", port: 33450 }, to: { host: "10.0.0.9", port: 22 }, observed: true };
  const { flow, origin, target, outcome } = await carryFlow({ session });
  await Promise.all([origin.end(), target.end(), readAll(origin), readAll(target)]);
  await outcome;
  const known = flow.enter("look").legs.map(({ from, to, observed }) => ({ from, to, observed }));
  assert.deepEqual(known, [
    { from: originAddress, to: listenAddress, observed: true },
    session,
    { from: undefined, to: targetAddress, observed: false },
  ]);
});

test("A watcher that comes late is told at once that the connection is open, and then what follows.", () => {
  const leg = new LiveLeg(1, () => {});
  leg.opened();
  leg.bytes("up", bytes("early"));
  const told = new Told();
  leg.viewFor("late").watch(told);
  assert.deepEqual(told.lines, ["opened"]);
  leg.bytes("up", bytes("x"));
  assert.deepEqual(told.lines, ["opened", "up x"]);
});

test("Nothing is told after a refusal or a break, and neither is told twice.", () => {
  const refused = new Told();
  const leg3 = new LiveLeg(3, () => {});
  leg3.watch("w", refused);
  leg3.refused(broken(3));
  leg3.refused(broken(3));
  leg3.aborted("down", broken(3));
  leg3.bytes("up", bytes("x"));
  assert.deepEqual(refused.lines, ["refused"]);

  const aborted = new Told();
  const leg1 = new LiveLeg(1, () => {});
  leg1.watch("w", aborted);
  leg1.opened();
  leg1.aborted("up", broken(1));
  leg1.aborted("down", broken(1));
  leg1.ended("up");
  leg1.bytes("up", bytes("x"));
  assert.deepEqual(aborted.lines, ["opened", "aborted by up"]);
});

test("Leg 2 cannot be watched through a flow, and the error says where it can.", async () => {
  const { outcome } = await carryFlow({
    middlewares: { nosy: hanging((flow) => flow.legs[1].watch({})) },
  });
  const result = await outcome;
  assert.ok(result.reason === "refused");
  assert.match(result.error.message, /plugin nosy .*leg 2 .*host\.onSession/);
});

test("A watcher that throws is dropped with one warning that names its plugin; the others and the traffic go on.", async () => {
  for (const event of ["opened", "bytes", "ended"] as const) {
    const told = { first: new Told(), third: new Told() };
    let calls = 0;
    const faulty: Watcher = {
      [event]: () => {
        calls += 1;
        throw new Error(`no ${event} please`);
      },
    };
    const { origin, target, outcome, dropped } = await carryFlow({
      middlewares: { faulty: hanging((flow) => flow.legs[2].watch(faulty)), watch: watching(told) },
    });
    await origin.write(bytes("a"));
    await origin.write(bytes("b"));
    const [received] = await Promise.all([readAll(target), readAll(origin), origin.end(), target.end()]);
    assert.deepEqual(await outcome, { reason: "ended" });
    assert.equal(Buffer.from(received).toString(), "ab");
    assert.deepEqual(dropped, [`faulty: no ${event} please`]);
    assert.equal(calls, 1);
    assert.deepEqual(told.third.of("up"), ["up a", "up b", "up ended"]);
  }
});

test("A watcher whose method rejects later is dropped like one that throws, and the rejection does not end the process.", async () => {
  let calls = 0;
  const faulty = {
    bytes: async () => {
      calls += 1;
      await quiet();
      throw new Error("the disk is full");
    },
  };
  const { origin, target, outcome, dropped } = await carryFlow({
    middlewares: { faulty: hanging((flow) => flow.legs[0].watch(faulty)) },
  });
  await origin.write(bytes("a"));
  await origin.write(bytes("b"));
  await quiet();
  await quiet();
  assert.deepEqual([calls, dropped], [2, ["faulty: the disk is full"]], "one warning for all that it had under way");
  await origin.write(bytes("c"));
  await Promise.all([readAll(target), readAll(origin), origin.end(), target.end()]);
  assert.deepEqual(await outcome, { reason: "ended" });
  assert.equal(calls, 2);
});

test("locate() asks once for all who ask, and the true addresses replace what was assumed.", async () => {
  const leg = new LiveLeg(3, () => {});
  let asked = 0;
  const found = { from: { host: "10.0.0.9", port: 33513 }, to: { host: "10.0.0.80", port: 80 } };
  const view = leg.viewFor("look");
  await view.locate();
  leg.learn({
    from: undefined,
    to: targetAddress,
    observed: false,
    locate: () => {
      asked += 1;
      return Promise.resolve(found);
    },
  });
  assert.deepEqual([view.from, view.to, view.observed, asked], [undefined, targetAddress, false, 0]);
  await Promise.all([view.locate(), view.locate(), leg.viewFor("other").locate()]);
  assert.deepEqual([view.from, view.to, view.observed, asked], [found.from, found.to, true, 1]);
});

test("locate() never rejects: without an answer the leg keeps what it knew.", async () => {
  for (const locate of [() => Promise.resolve(undefined), () => Promise.reject(new Error("the server is gone"))]) {
    const leg = new LiveLeg(3, () => {});
    leg.learn({ from: undefined, to: targetAddress, observed: false, locate });
    await leg.viewFor("look").locate();
    assert.deepEqual([leg.from, leg.to, leg.observed], [undefined, targetAddress, false]);
  }
});

/** What a watcher is told, one line each. */
test("What went over a connection before it was a flow is told to each watcher, whenever it comes.", () => {
  const [early, late] = [new Told(), new Told()];
  const leg = new LiveLeg(1, () => {});
  leg.watch("early", early);
  const passed = [of("up", "hello"), of("down", "yes?")];
  leg.learn({ from: originAddress, to: listenAddress, observed: true, passed });
  leg.opened();
  leg.watch("late", late);
  leg.bytes("up", bytes("more"));
  const all = ["opened", "up hello", "down yes?", "up more"];
  assert.deepEqual([early.lines, late.lines], [all, all]);
});

class Told implements Watcher {
  readonly lines: string[] = [];
  reason: Error | undefined;

  of(direction: Direction): string[] {
    return this.lines.filter((line) => line.startsWith(direction));
  }

  opened(): void {
    this.lines.push("opened");
  }

  refused(): void {
    this.lines.push("refused");
  }

  bytes(direction: Direction, chunk: Uint8Array): void {
    this.lines.push(`${direction} ${Buffer.from(chunk).toString()}`);
  }

  ended(direction: Direction): void {
    this.lines.push(`${direction} ended`);
  }

  aborted(by: Direction, reason: Error): void {
    this.lines.push(`aborted by ${by}`);
    this.reason = reason;
  }
}

function of(direction: Direction, text: string) {
  return { direction, chunk: bytes(text) };
}

function watching(told: { readonly first: Watcher; readonly third: Watcher }) {
  return hanging((flow) => {
    flow.legs[0].watch(told.first);
    flow.legs[2].watch(told.third);
  });
}

function bytes(text: string): Uint8Array {
  return Buffer.from(text);
}
