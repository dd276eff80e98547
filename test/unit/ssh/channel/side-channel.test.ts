import assert from "node:assert/strict";
import { test } from "node:test";
import type { ServerChannel } from "ssh2";
import { PorthopError } from "../../../../src/errors.ts";
import type { Conn } from "../../../../src/flow/conn.ts";
import { join } from "../../../../src/flow/join.ts";
import {
  OpenSides,
  type SideCarrier,
  type SideChannels,
  takeSideChannels,
} from "../../../../src/ssh/channel/side-channel.ts";
import type { OpenRefusal } from "../../../../src/ssh/ssh-failure.ts";
import type { ChannelOpening } from "../../../../src/ssh/ssh2/channel-opening.ts";
import { CommandPair } from "../../../kit/command-pair.ts";
import { connPair, type MemoryConn } from "../../../kit/memory-conn.ts";

/** A session whose server may open x11 channels, and what they are joined to here. */
async function scene(changes: Partial<SideChannels> = {}) {
  const pair = await CommandPair.open();
  const open = new OpenSides();
  const here: MemoryConn[] = [];
  const warnings: string[] = [];
  const sides: SideChannels = {
    type: "x11",
    name: "the X server",
    async dial() {
      const [end, joined] = connPair();
      here.push(end);
      return joined;
    },
    carry: (channel, conn) => join(channel, conn),
    warn: (text) => warnings.push(text),
    ...changes,
  };
  const take = () => takeSideChannels(pair.carrier, sides, open);
  const connect = () =>
    new Promise<ServerChannel>((resolve, reject) => {
      pair.pair.connection.x11("127.0.0.1", 1, (error, channel) => (error ? reject(error) : resolve(channel)));
    });
  return { pair, open, here, warnings, take, connect, [Symbol.asyncDispose]: () => pair[Symbol.asyncDispose]() };
}

test("Nothing that the server opens is taken unless it was asked for.", async () => {
  await using all = await scene();
  const { connect, here } = all;
  await assert.rejects(connect(), /open failed|Channel open failure/i);
  assert.equal(here.length, 0);
});

test("A channel of the server is joined to a connection here, each half ended by itself.", async () => {
  await using all = await scene();
  const { connect, here, open, take } = all;
  take();
  const far = await connect();
  const [near] = here;
  assert.ok(near !== undefined);
  assert.equal(open.count, 1);
  far.write("question");
  assert.equal(String(await near.read()), "question");
  await near.write(Buffer.from("answer"));
  assert.equal(String(await new Promise((resolve) => far.once("data", resolve))), "answer");
  await near.end();
  far.resume();
  await new Promise((resolve) => far.once("end", resolve));
  far.write("last words");
  assert.equal(String(await near.read()), "last words");
  far.end();
  assert.equal(await near.read(), undefined);
  await open.idle();
  assert.equal(open.count, 0);
});

test("A channel that the server closes ends the connection here, and one that breaks here closes the channel.", async () => {
  await using all = await scene();
  const { connect, here, open, take } = all;
  take();
  (await connect()).close();
  await open.idle();
  assert.deepEqual([here[0]?.aborted, await here[0]?.read(), here[0]?.isCut], [undefined, undefined, true]);
  const far = await connect();
  const closed = new Promise<void>((resolve) => far.on("close", () => resolve()));
  far.resume();
  here[1]?.abort(new PorthopError("target.unreachable", "it died"));
  await closed;
  await open.idle();
});

test("Where nobody listens here, the server hears of it, and the user.", async () => {
  const refused = new PorthopError("target.refused", "nobody there");
  await using all = await scene({ dial: () => Promise.reject(refused) });
  const { connect, warnings, open, take } = all;
  take();
  await assert.rejects(connect(), /open failed/);
  assert.deepEqual(warnings, ["the server asks for the X server, and there is none: nobody there"]);
  assert.equal(open.count, 0);
});

test("What is not taken just now is refused with a warning.", async () => {
  await using all = await scene({ refusal: () => "too late" });
  const { connect, warnings, take, here } = all;
  take();
  await assert.rejects(connect(), /not taken any more/);
  assert.deepEqual([warnings, here.length], [["too late"], 0]);
});

test("A session that is lost while the connection here is made leaves none behind.", async () => {
  const dialing = Promise.withResolvers<MemoryConn>();
  const asked = Promise.withResolvers<void>();
  await using all = await scene({
    dial() {
      asked.resolve();
      return dialing.promise;
    },
  });
  const { connect, pair, open, take } = all;
  take();
  connect().catch(() => {});
  await asked.promise;
  await pair.pair.break();
  pair.goneBy = new PorthopError("ssh.lost", "gone");
  const [end, joined] = connPair();
  dialing.resolve(joined);
  await open.idle();
  assert.equal(end.aborted, pair.goneBy);
});

test("More than a thousand at a time are refused for resources, and a place that is given back is taken again.", async () => {
  const refusals: OpenRefusal[] = [];
  let take: ((opening: ChannelOpening) => void) | undefined;
  const carrier: SideCarrier = {
    ports: {
      onChannelOpen: (type, taker) => {
        assert.equal(type, "auth-agent@openssh.com");
        take = taker;
      },
    },
    goneBy: undefined,
    adopt: () => assert.fail(),
  };
  const dials: PromiseWithResolvers<Conn>[] = [];
  const sides: SideChannels = {
    ...{ type: "auth-agent@openssh.com", name: "the agent", warn: () => {} },
    dial() {
      const dialing = Promise.withResolvers<Conn>();
      dials.push(dialing);
      return dialing.promise;
    },
    carry: () => assert.fail(),
  };
  const open = new OpenSides();
  takeSideChannels(carrier, sides, open);
  const connect = () => take?.({ data: {}, accept: () => assert.fail(), refuse: (refusal) => refusals.push(refusal) });
  for (let count = 0; count < 1001; count++) connect();
  assert.deepEqual([dials.length, open.count, refusals], [1000, 1000, [{ reason: 4, text: "too many connections" }]]);
  for (const { reject } of dials) reject(new Error("it died"));
  await open.idle();
  assert.deepEqual([refusals.length, refusals.at(-1)], [1001, { reason: 2, text: "open failed" }]);
  connect();
  assert.equal(dials.length, 1001);
});

test("Where the channel cannot be accepted any more the connection here is broken off, and nothing stays open.", async () => {
  let take: ((opening: ChannelOpening) => void) | undefined;
  const carrier: SideCarrier = {
    ports: { onChannelOpen: (_type, taker) => (take = taker) },
    goneBy: undefined,
    adopt: () => assert.fail(),
  };
  const [end, joined] = connPair();
  const open = new OpenSides();
  const sides: SideChannels = {
    ...{ type: "x11", name: "the X server", warn: () => {} },
    dial: async () => joined,
    carry: () => assert.fail(),
  };
  takeSideChannels(carrier, sides, open);
  const cause = new Error("Instance unusable after fatal error");
  const accept = () => {
    throw cause;
  };
  take?.({ data: {}, accept, refuse: () => assert.fail() });
  await open.idle();
  assert.ok(end.aborted instanceof PorthopError);
  assert.deepEqual([end.aborted.code, end.aborted.cause], ["ssh.lost", cause]);
});
