import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Conn } from "../../../src/flow/conn.ts";
import { LiveHalf } from "../../../src/flow/half.ts";
import { LiveLeg } from "../../../src/flow/leg.ts";
import type { Chunk, Chunks, Direction, Flow, Stage } from "../../../src/plugin.ts";
import { broken, carryFlow, hanging, quiet, stateOf } from "../../kit/carried-flow.ts";
import { readAll, writeAll } from "../../kit/memory-conn.ts";
import { randomBytes, randomChunks } from "../../kit/random.ts";

test("Promise 1: up runs first to last, down last to first.", async () => {
  const sign = (name: string) =>
    hanging((flow) => {
      flow.up.pipe(appending(name));
      flow.down.pipe(appending(name));
    });
  const { origin, target } = await carryFlow({ middlewares: { a: sign("a"), b: sign("b"), c: sign("c") } });
  await Promise.all([writeAll(origin, [text("up:")]), writeAll(target, [text("down:")])]);
  assert.equal(string(await readAll(target)), "up:abc");
  assert.equal(string(await readAll(origin)), "down:cba");
});

test("Promise 1: stages and taps of one plugin keep their order, and a tap sees what has passed the stages before it.", async () => {
  const seen: string[] = [];
  const look = (where: string) => (chunk: Chunk) => void seen.push(`${where} ${string(chunk)}`);
  const { origin, target } = await carryFlow({
    middlewares: {
      a: hanging((flow) => {
        flow.up.tap(look("before"));
        flow.up.pipe(appending("1"));
        flow.up.tap(look("between"));
        flow.up.pipe(appending("2"));
        flow.up.tap(look("after"));
      }),
    },
  });
  await Promise.all([writeAll(origin, [text("x")]), writeAll(target, [])]);
  assert.equal(string(await readAll(target)), "x12");
  assert.deepEqual(
    seen.filter((line) => line.endsWith("x")),
    ["before x", "between x", "after x"],
  );
  assert.deepEqual(
    seen.filter((line) => !line.endsWith("x")),
    ["between 1", "after 1", "after 2"],
  );
});

test("Promise 1: unused halves cost nothing; a half without stages is pumped straight.", async () => {
  const bare = await turnsFromReadToWrite("up", () => {});
  assert.equal(bare, 0, "a straight pump writes in the very turn in which it has read");
  const other = await turnsFromReadToWrite("up", (half) => half.down.viewFor("a").pipe(passing));
  assert.equal(other, bare, "stages of the other half change nothing");
  const tapped = await turnsFromReadToWrite("up", (half) => half.up.viewFor("a").tap(() => {}));
  assert.equal(tapped, bare, "a tap needs no generator");
  const staged = await turnsFromReadToWrite("up", (half) => half.up.viewFor("a").pipe(passing));
  assert.ok(staged > bare, "the measure does see a stage");
});

for (const stages of [0, 1, 4]) {
  test(`Promise 2: the pump asks for the next chunk only after the write was accepted, with ${stages} stages.`, async () => {
    const steps: string[] = [];
    let accept = () => {};
    const source = scripted({
      read: (index) => {
        steps.push(`read ${index}`);
        return Promise.resolve(index < 3 ? text(String(index)) : undefined);
      },
    });
    const sink = scripted({
      write: (chunk) => {
        steps.push(`write ${string(chunk)}`);
        return new Promise((resolve) => {
          accept = resolve;
        });
      },
      end: () => void steps.push("end"),
    });
    const half = new LiveHalf("up", () => {});
    for (let index = 0; index < stages; index++) half.viewFor("a").pipe(passing);
    const pumped = half.pump(ending(source, 1), ending(sink, 3));
    for (const expected of ["write 0", "write 1", "write 2"]) {
      await quiet();
      assert.equal(steps.at(-1), expected);
      accept();
    }
    await pumped;
    assert.deepEqual(steps, ["read 0", "write 0", "read 1", "write 1", "read 2", "write 2", "read 3", "end"]);
  });
}

for (const direction of ["up", "down"] as const) {
  for (const stages of [0, 1, 4]) {
    test(`A peer that does not read stops the reader ${direction}ward, with ${stages} stages.`, async () => {
      const capacityBytes = 10_000;
      const { origin, target, flow } = await carryFlow({
        capacityBytes,
        middlewares: Object.fromEntries(
          Array.from({ length: stages }, (_, index) => [`s${index}`, hanging((each) => each[direction].pipe(passing))]),
        ),
      });
      const [writer, reader] = direction === "up" ? [origin, target] : [target, origin];
      const writing = writeAll(writer, randomChunks(500_000, 3, 1_000));
      assert.equal(await stateOf(writing), "pending");
      // Two buffers are full, and one chunk is in the pump's hands.
      assert.equal(writer.acceptedBytes, 2 * capacityBytes + 1_000);
      assert.equal(flow[direction].bytes, capacityBytes, "what was not accepted is not counted as delivered");
      const [received] = await Promise.all([readAll(reader), writing]);
      assert.deepEqual(Buffer.from(received), Buffer.from(randomBytes(500_000, 3)));
      assert.equal(flow[direction].bytes, 500_000);
      flow.abort(broken());
    });
  }
}

test("Promise 10: no copy on the data path: the very chunk that was written arrives, through taps and stages too.", async () => {
  const seen: Chunk[] = [];
  const watched: Chunk[] = [];
  const { origin, target, flow } = await carryFlow({
    middlewares: {
      tap: hanging((each) => {
        each.up.tap((chunk) => void seen.push(chunk));
        each.legs[2].watch({ bytes: (_direction, chunk) => void watched.push(chunk) });
      }),
      stage: hanging((each) => each.up.pipe(passing)),
      another: hanging((each) => each.up.pipe(passing)),
    },
  });
  const sent = [randomBytes(10), randomBytes(32_768), randomBytes(1)];
  for (const chunk of sent) {
    await origin.write(chunk);
    assert.equal(await target.read(), chunk);
    await target.write(chunk);
    assert.equal(await origin.read(), chunk, "and on a half without stages");
  }
  assert.deepEqual(
    seen.map((chunk) => sent.indexOf(chunk)),
    [0, 1, 2],
  );
  assert.deepEqual(
    watched.map((chunk) => sent.indexOf(chunk)),
    [0, 0, 1, 1, 2, 2],
  );
  flow.abort(broken());
});

test("Promise 10: a stage that splits with subarray hands on the same memory.", async () => {
  const { origin, target, flow } = await carryFlow({
    middlewares: {
      split: hanging((each) =>
        each.up.pipe(async function* (chunks) {
          for await (const chunk of chunks) {
            yield chunk.subarray(0, 4);
            yield chunk.subarray(4);
          }
        }),
      ),
    },
  });
  const sent = randomBytes(10);
  await origin.write(sent);
  for (const offset of [0, 4]) {
    const piece = await target.read();
    assert.equal(piece?.buffer, sent.buffer);
    assert.equal(piece?.byteOffset, sent.byteOffset + offset);
  }
  flow.abort(broken());
});

test("Any chunks through any stages and buffers arrive whole, both ways at once.", async () => {
  const sizes = fc.array(fc.nat(400), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(sizes, sizes, fc.nat(300), fc.nat(3), async (up, down, capacityBytes, stages) => {
      const halving: Stage = async function* (chunks) {
        for await (const chunk of chunks) {
          yield chunk.subarray(0, chunk.length / 2);
          yield chunk.subarray(chunk.length / 2);
        }
      };
      const { origin, target, outcome } = await carryFlow({
        capacityBytes,
        middlewares: Object.fromEntries(
          Array.from({ length: stages }, (_, index) => [
            `s${index}`,
            hanging((each) => {
              each.up.pipe(halving);
              each.down.pipe(halving);
            }),
          ]),
        ),
      });
      const make = (lengths: number[], seed: number) =>
        lengths.map((length, index) => randomBytes(length, seed + index));
      const sent = { up: make(up, 1), down: make(down, 1_000) };
      const [gotDown, gotUp] = await Promise.all([
        readAll(origin),
        readAll(target),
        writeAll(origin, sent.up),
        writeAll(target, sent.down),
      ]);
      assert.deepEqual(Buffer.from(gotUp), Buffer.concat(sent.up));
      assert.deepEqual(Buffer.from(gotDown), Buffer.concat(sent.down));
      assert.deepEqual(await outcome, { reason: "ended" });
    }),
    { numRuns: 60 },
  );
});

test("A stage may send more before, between and after what it gets, and may drop what it gets.", async () => {
  const { origin, target } = await carryFlow({
    middlewares: {
      wrap: hanging((flow) => {
        flow.up.pipe(async function* (chunks) {
          yield text("<");
          for await (const chunk of chunks) if (string(chunk) !== "drop") yield chunk;
          yield text(">");
        });
      }),
    },
  });
  await Promise.all([writeAll(origin, ["a", "drop", "b"].map(text)), target.end()]);
  assert.equal(string(await readAll(target)), "<ab>");
});

test("A stage that returns early half-closes: the target sees the end, and the answer still comes back whole.", async () => {
  const { origin, target, outcome } = await carryFlow({
    middlewares: { head: hanging((flow) => flow.up.pipe(firstOnly)) },
  });
  await origin.write(text("one"));
  await origin.write(text("two"));
  assert.equal(string(await readAll(target)), "one");
  await writeAll(target, [text("a late "), text("answer")]);
  await quiet();
  assert.equal(string(await readAll(origin)), "a late answer", "read late, after all was sent");
  await origin.end();
  assert.deepEqual(await outcome, { reason: "ended" });
});

test("A stage that returns early does not block the origin, which may have more to say before it listens.", async () => {
  const { origin, target, outcome } = await carryFlow({
    capacityBytes: 100,
    middlewares: { head: hanging((flow) => flow.up.pipe(firstOnly)) },
  });
  const answered = writeAll(target, randomChunks(500, 2, 50));
  const [asked] = await Promise.all([readAll(target), writeAll(origin, randomChunks(5_000, 1, 50))]);
  assert.equal(asked.length, 50);
  assert.equal((await readAll(origin)).length, 500);
  await answered;
  assert.deepEqual(await outcome, { reason: "ended" });
});

test("A stage that returns early downward leaves the way up open.", async () => {
  const { origin, target, outcome } = await carryFlow({
    middlewares: { head: hanging((flow) => flow.down.pipe(firstOnly)) },
  });
  await target.write(text("one"));
  await target.write(text("two"));
  assert.equal(string(await readAll(origin)), "one");
  await writeAll(origin, [text("still here")]);
  assert.equal(string(await readAll(target)), "still here");
  await target.end();
  assert.deepEqual(await outcome, { reason: "ended" });
});

test("A break after a stage returned early is still a break on both sides.", async () => {
  for (const side of ["origin", "target"] as const) {
    const carried = await carryFlow({ middlewares: { head: hanging((flow) => flow.up.pipe(firstOnly)) } });
    await carried.origin.write(text("one"));
    assert.equal(string(await readAll(carried.target)), "one");
    const reason = broken(side === "origin" ? 1 : 3);
    carried[side].abort(reason);
    assert.deepEqual(await carried.outcome, { reason: "aborted", error: reason });
    await assert.rejects(carried.origin.read(), reason);
    await assert.rejects(carried.target.write(text("x")), reason);
  }
});

test("Promise 5: a tap that throws is dropped with one warning, and the traffic goes on; other taps still look.", async () => {
  for (const withStage of [false, true]) {
    const seen: string[] = [];
    let calls = 0;
    const { origin, target, outcome, dropped } = await carryFlow({
      middlewares: {
        faulty: hanging((flow) =>
          flow.up.tap(() => {
            calls += 1;
            throw new Error("cannot look");
          }),
        ),
        sound: hanging((flow) => {
          if (withStage) flow.up.pipe(passing);
          flow.up.tap((chunk) => void seen.push(string(chunk)));
        }),
      },
    });
    const [got] = await Promise.all([
      readAll(target),
      readAll(origin),
      writeAll(origin, [text("a"), text("b")]),
      target.end(),
    ]);
    assert.equal(string(got), "ab");
    assert.deepEqual(await outcome, { reason: "ended" });
    assert.deepEqual(dropped, ["faulty: cannot look"]);
    assert.deepEqual([calls, seen], [1, ["a", "b"]]);
  }
});

test("Promise 5: a tap that rejects later is dropped too, with one warning for all that it has under way.", async () => {
  let calls = 0;
  const { origin, target, outcome, dropped } = await carryFlow({
    middlewares: {
      faulty: hanging((flow) =>
        flow.up.tap(async () => {
          calls += 1;
          await quiet();
          throw new Error("the disk is full");
        }),
      ),
    },
  });
  await origin.write(text("a"));
  await origin.write(text("b"));
  await quiet();
  await quiet();
  assert.deepEqual([calls, dropped], [2, ["faulty: the disk is full"]]);
  const [got] = await Promise.all([readAll(target), readAll(origin), writeAll(origin, [text("c")]), target.end()]);
  assert.equal(string(got), "abc");
  assert.deepEqual(await outcome, { reason: "ended" });
  assert.equal(calls, 2);
});

test("A stage that comes after next() is refused, before the target is dialed too, and the error names the plugin.", async () => {
  for (const patience of [0, 1]) {
    const { outcome, steps } = await carryFlow({
      middlewares: {
        late: async (flow, next) => {
          const done = next();
          done.catch(() => {});
          for (let turn = 0; turn < patience; turn++) await quiet();
          flow.up.pipe(passing);
          await done;
        },
        other: async (_flow, next) => {
          if (patience === 0) await quiet();
          await next();
        },
      },
    });
    const result = await outcome;
    assert.ok(result.reason !== "ended");
    assert.match(
      result.error.message,
      /^plugin late failed .*plugin late hung in a stage too late: before next\(\) only/,
    );
    assert.equal(steps.includes("opened"), patience === 1);
  }
});

for (const direction of ["up", "down"] as const) {
  test(`A tap may come late and go again, and sees each chunk ${direction}ward as it is where its plugin stands.`, async () => {
    const views: Record<string, Flow> = {};
    const keeping = (name: string, hang: (flow: Flow) => void = () => {}) =>
      hanging((flow) => {
        views[name] = flow;
        hang(flow);
      });
    const sign = (name: string) => (flow: Flow) => flow[direction].pipe(signing(name));
    const { origin, target, flow } = await carryFlow({
      middlewares: {
        first: keeping("first"),
        a: keeping("a", sign("a")),
        mid: keeping("mid"),
        b: keeping("b", sign("b")),
      },
    });
    const [writer, reader] = direction === "up" ? [origin, target] : [target, origin];
    const pass = async (word: string) => {
      await writer.write(text(word));
      return string((await reader.read()) ?? text("the end"));
    };
    const whole = direction === "up" ? "ab" : "ba";
    assert.equal(await pass("0"), `0${whole}`);
    const seen: string[] = [];
    const leave = ["b", "first", "mid", "a"].map((name) =>
      views[name]?.[direction].tap((chunk) => void seen.push(`${name} ${string(chunk)}`)),
    );
    assert.equal(await pass("1"), `1${whole}`);
    const expected =
      direction === "up" ? ["first 1", "mid 1a", "a 1a", "b 1ab"] : ["b 1", "a 1b", "mid 1b", "first 1ba"];
    assert.deepEqual(seen.splice(0), expected);
    for (const away of leave) away?.();
    leave[0]?.();
    assert.equal(await pass("2"), `2${whole}`);
    assert.deepEqual(seen, []);
    flow.abort(broken());
  });
}

test("On a half without stages taps come and go as well, also from within a tap, and each begins with the next chunk.", async () => {
  const seen: string[] = [];
  let view: Flow | undefined;
  const { origin, target, flow } = await carryFlow({
    middlewares: {
      a: hanging((each) => {
        view = each;
      }),
    },
  });
  const pass = async (word: string) => {
    await origin.write(text(word));
    await target.read();
  };
  await pass("0");
  const leave = view?.up.tap((chunk) => {
    seen.push(`outer ${string(chunk)}`);
    leave?.();
    view?.up.tap((each) => void seen.push(`inner ${string(each)}`));
  });
  await pass("1");
  await pass("2");
  assert.deepEqual(seen, ["outer 1", "inner 2"]);
  flow.abort(broken());
});

test("A stage that is no generator but gives any async iterable works, one that gives none fails this flow by name.", async () => {
  const plain: Stage = (chunks: Chunks) => ({ [Symbol.asyncIterator]: () => chunks[Symbol.asyncIterator]() });
  const good = await carryFlow({ middlewares: { plain: hanging((flow) => flow.up.pipe(plain)) } });
  await Promise.all([writeAll(good.origin, [text("x")]), good.target.end()]);
  assert.equal(string(await readAll(good.target)), "x");

  const nothing = (() => undefined) as unknown as Stage;
  const bad = await carryFlow({ middlewares: { nothing: hanging((flow) => flow.up.pipe(nothing)) } });
  const result = await bad.outcome;
  assert.ok(result.reason === "aborted");
  assert.match(result.error.message, /^plugin nothing failed/);
});

const passing: Stage = async function* (chunks) {
  for await (const chunk of chunks) yield chunk;
};

const firstOnly: Stage = async function* (chunks) {
  for await (const chunk of chunks) {
    yield chunk;
    return;
  }
};

function appending(suffix: string): Stage {
  return async function* (chunks) {
    yield* chunks;
    yield text(suffix);
  };
}

/** Signs each chunk. */
function signing(name: string): Stage {
  return async function* (chunks) {
    for await (const chunk of chunks) yield text(`${string(chunk)}${name}`);
  };
}

/** How many microtask turns lie between a chunk's arrival and the write of it. */
async function turnsFromReadToWrite(
  direction: Direction,
  hang: (halves: { readonly up: LiveHalf; readonly down: LiveHalf }) => void,
): Promise<number> {
  const halves = { up: new LiveHalf("up", () => {}), down: new LiveHalf("down", () => {}) };
  hang(halves);
  let turns = 0;
  let written = false;
  const count = () => {
    if (written) return;
    turns += 1;
    queueMicrotask(count);
  };
  const source = scripted({
    read: (index) =>
      new Promise((resolve) => {
        setImmediate(() => {
          resolve(index === 0 ? text("x") : undefined);
          if (index === 0) queueMicrotask(count);
        });
      }),
  });
  const sink = scripted({
    write: () => {
      written = true;
      return Promise.resolve();
    },
  });
  await halves[direction].pump(ending(source, 1), ending(sink, 3));
  return turns;
}

/** A conn of which a test plays the one side that is used. */
function scripted(play: {
  readonly read?: (index: number) => Promise<Chunk | undefined>;
  readonly write?: (chunk: Chunk) => Promise<void>;
  readonly end?: () => void;
}): Conn {
  let index = 0;
  return {
    read: () => play.read?.(index++) ?? Promise.resolve(undefined),
    write: (chunk) => play.write?.(chunk) ?? Promise.resolve(),
    end: async () => play.end?.(),
    abort: () => {},
    onBroken: () => {},
    close: () => {},
    isGone: false,
    onGone: () => {},
  };
}

function ending(conn: Conn, leg: 1 | 3) {
  return { conn, leg: new LiveLeg(leg, () => {}) };
}

function text(value: string): Uint8Array {
  return Buffer.from(value);
}

function string(chunk: Uint8Array): string {
  return Buffer.from(chunk).toString();
}
