import assert from "node:assert/strict";
import { test } from "node:test";
import limit from "../../../plugins/limit.ts";
import type { Chunk, Chunks } from "../../../src/plugin.ts";
import { setUp as setUpTunnel } from "../../../src/plugin-kit.ts";
import { ScriptedFlow, setUp } from "../../kit/plugin-host.ts";
import { randomBytes } from "../../kit/random.ts";

const fast = "10GB/s";

async function* once(...chunks: readonly Chunk[]): AsyncGenerator<Chunk> {
  yield* chunks;
}

async function collect(chunks: Chunks): Promise<Chunk[]> {
  const all: Chunk[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return all;
}

/** A flow that has passed the middleware; it stays open. */
async function enteredFlow(options: Readonly<Record<string, string>>): Promise<ScriptedFlow> {
  const { middleware } = await setUp(limit, options);
  const flow = new ScriptedFlow();
  void flow.enter(middleware);
  return flow;
}

for (const [options, up, down] of [
  [{ rate: fast }, true, true],
  [{ up: fast }, true, false],
  [{ down: fast }, false, true],
  [{ rate: fast, up: "1B/s" }, true, true],
] as const) {
  test(`With ${JSON.stringify(options)} only the halves that have a rate get a stage.`, async () => {
    const flow = await enteredFlow(options);
    const source = once(new Uint8Array(1));
    assert.equal(flow.up.through(source) !== source, up);
    assert.equal(flow.down.through(source) !== source, down);
  });
}

test("Without any rate it cannot be set up, and says what a rate looks like.", async () => {
  await assert.rejects(setUp(limit, { burst: "64KB" }), {
    code: "plugin.invalid",
    message: "plugin limit needs a rate",
    hint: "for example --use limit:rate=10MB/s or limit:up=1MB/s",
  });
});

test("A choice that is none is refused with those there are.", async () => {
  await assert.rejects(setUp(limit, { rate: fast, per: "host" }), /option "per": "host" is not one of flow, all/);
});

test("What passes is the same bytes in the same order, in pieces that show the same memory.", async () => {
  const flow = await enteredFlow({ rate: fast });
  const chunks = [randomBytes(100_000, 1), randomBytes(1, 2), randomBytes(32_768, 3), randomBytes(32_769, 4)];
  const pieces = await collect(flow.up.through(once(...chunks)));
  assert.deepEqual(Buffer.concat(pieces), Buffer.concat(chunks));
  assert.ok(pieces.every((piece) => piece.byteLength <= 32_768));
  assert.ok(pieces.every((piece) => chunks.some((chunk) => chunk.buffer === piece.buffer)));
});

test("At a slow rate the pieces are a fiftieth of a second's worth: a steady trickle.", async () => {
  const flow = await enteredFlow({ rate: "50KB/s", burst: "1MB" });
  const pieces = await collect(flow.down.through(once(new Uint8Array(2500))));
  assert.deepEqual(
    pieces.map((piece) => piece.byteLength),
    [1000, 1000, 500],
  );
});

test("Even the slowest rate lets single bytes pass.", async () => {
  const flow = await enteredFlow({ rate: "1B/s", burst: "3B" });
  const pieces = await collect(flow.up.through(once(Uint8Array.of(1, 2, 3))));
  assert.deepEqual(
    pieces.map((piece) => [...piece]),
    [[1], [2], [3]],
  );
});

test("Beyond the burst, bytes take the time that the rate gives them.", async () => {
  const flow = await enteredFlow({ up: "1MB/s", burst: "20KB" });
  const start = performance.now();
  await collect(flow.up.through(once(new Uint8Array(20_000 + 150_000))));
  const ms = performance.now() - start;
  assert.ok(ms >= 149, `170 KB took ${ms} ms`);
});

test("A burst smaller than a piece still lets pieces pass.", async () => {
  const flow = await enteredFlow({ up: "1MB/s", burst: "0" });
  const pieces = await collect(flow.up.through(once(new Uint8Array(40_000))));
  assert.deepEqual(
    pieces.map((piece) => piece.byteLength),
    [20_000, 20_000],
  );
});

test("A half ends when what it limits ends, and breaks when that breaks.", async () => {
  const flow = await enteredFlow({ rate: fast });
  assert.deepEqual(await collect(flow.up.through(once())), []);
  async function* broken(): AsyncGenerator<Chunk> {
    yield Uint8Array.of(1);
    throw new Error("connection reset");
  }
  await assert.rejects(collect(flow.down.through(broken())), /connection reset/);
});

test("Each flow has the rate for itself.", { timeout: 10_000 }, async () => {
  const { middleware } = await setUp(limit, { rate: "1B/s", burst: "100B" });
  for (let count = 0; count < 5; count++) {
    const flow = new ScriptedFlow();
    void flow.enter(middleware);
    // Both bursts are there, for this flow and for both its halves.
    await collect(flow.up.through(once(new Uint8Array(100))));
    await collect(flow.down.through(once(new Uint8Array(100))));
  }
});

test("With per=all the flows share one rate, and an aborted flow waits no longer for its turn.", async () => {
  const { middleware } = await setUp(limit, { rate: "1B/s", burst: "10B", per: "all" });
  const [first, second] = [new ScriptedFlow({ id: "L1#1" }), new ScriptedFlow({ id: "L1#2" })];
  for (const flow of [first, second]) flow.enter(middleware).catch(() => {});
  await collect(first.up.through(once(new Uint8Array(10))));
  // Down has a bucket of its own.
  await collect(second.down.through(once(new Uint8Array(10))));
  let passed = 0;
  const waiting = (async () => {
    for await (const piece of second.up.through(once(new Uint8Array(5)))) passed += piece.byteLength;
  })();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(passed, 0, "the first flow has used the burst of both");
  second.break(new Error("the application went away"));
  await waiting;
});

for (const per of ["flow", "all"]) {
  test(`A rate that is changed holds for the flows that are open, with per=${per}.`, { timeout: 10_000 }, async () => {
    const tunnel = await setUpTunnel(limit, { up: "1B/s", burst: "20B", per });
    const flow = await tunnel.play({
      up: (async function* () {
        // The burst of the slow rate, in its pieces of one byte. What follows would take the night.
        yield new Uint8Array(20);
        tunnel.changeOptions({ up: "10GB/s", burst: "64KB" });
        yield new Uint8Array(50_000);
      })(),
    });
    const sizes = flow.up.map((piece) => piece.byteLength);
    assert.deepEqual(sizes, [...Array.from({ length: 20 }, () => 1), 32_768, 17_232]);
    assert.equal(flow.close.reason, "ended");
    assert.throws(() => tunnel.changeOptions({ per: "flow" }), /option "per" cannot be changed while it runs/);
  });
}

test("A direction that gets a rate only later has it from the next flow on.", async () => {
  const { host, middleware } = await setUp(limit, { up: fast });
  const [before, after] = [new ScriptedFlow(), new ScriptedFlow()];
  void before.enter(middleware);
  host.changeOptions({ rate: undefined, up: 1_000, down: 1_000, burst: undefined, per: "flow" });
  void after.enter(middleware);
  const source = once(new Uint8Array(1));
  assert.deepEqual([before.down.through(source) !== source, after.down.through(source) !== source], [false, true]);
});

test("The middleware lives as long as the flow and fails as it does.", async () => {
  const { middleware } = await setUp(limit, { rate: fast });
  const [whole, broken] = [new ScriptedFlow(), new ScriptedFlow()];
  whole.finish();
  await whole.enter(middleware);
  broken.break(new Error("connection reset"));
  await assert.rejects(broken.enter(middleware), /connection reset/);
});
