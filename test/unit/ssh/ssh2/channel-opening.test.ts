import assert from "node:assert/strict";
import { test } from "node:test";
import type { ClientChannel, ServerChannel } from "ssh2";
import type { ChannelOpening, OpenedChannel } from "../../../../src/ssh/ssh2/channel-opening.ts";
import type { ClientView } from "../../../../src/ssh/ssh2/view.ts";
import { viewOf } from "../../../../src/ssh/ssh2/view-check.ts";
import { ChannelPair } from "../../../kit/channel-pair.ts";
import { type ServerProtocol, serverView } from "../../../kit/ssh2-server-view.ts";
import { Waiting } from "../../../kit/waiting.ts";

const limits = { timeout: 30_000 };

/** A session whose server opens channels; each that is handed over waits for the test's answer. */
async function scene() {
  const pair = await ChannelPair.open();
  const openings: ChannelOpening[] = [];
  const waiting = new Waiting();
  const take = (opening: ChannelOpening) => {
    openings.push(opening);
    waiting.change();
  };
  return {
    ...{ pair, openings, take, ports: pair.ports, view: viewOf(pair.client) },
    opening: (index = 0) => waiting.until(`opening ${index}`, () => openings[index]),
    /** The server's end of a forwarded connection; rejects with its refusal. */
    forward: () =>
      new Promise<ServerChannel>((resolve, reject) => {
        pair.connection.forwardOut("localhost", 8080, "192.0.2.1", 4000, (error, channel) =>
          error === undefined ? resolve(channel) : reject(error),
        );
      }),
    [Symbol.asyncDispose]: () => pair[Symbol.asyncDispose](),
  };
}

/** How the server is refused; ssh2 tells it the reason as a number. */
async function refusalOf(opened: Promise<ServerChannel>): Promise<{ reason: unknown; text: string }> {
  const error = await opened.then(
    () => assert.fail("it was opened"),
    (refused: Error & { reason?: unknown }) => refused,
  );
  return { reason: error.reason, text: error.message.replace(/^\(SSH\) Channel open failure: ?/, "") };
}

function text(channel: ClientChannel | ServerChannel): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    channel.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    channel.on("error", reject);
    channel.on("end", () => resolve(String(Buffer.concat(chunks))));
  });
}

test(
  "Nothing is held for an opening that is not answered, and it may be answered later, in any order.",
  limits,
  async () => {
    await using all = await scene();
    const { pair, ports, take } = all;
    ports.onChannelOpen("forwarded-tcpip", take);
    const [first, second] = [all.forward(), all.forward()];
    const unanswered = [await all.opening(0), await all.opening(1)];
    await ports.ping();
    assert.equal(pair.held, 0);
    unanswered[1]?.refuse({ reason: 1, text: "no" });
    assert.equal(pair.held, 0);
    assert.deepEqual(await refusalOf(second), { reason: 1, text: "no" });
    unanswered[0]?.accept();
    assert.equal(pair.held, 1);
    await first;
  },
);

test(
  "An accept gives a channel that works both ways, each half ended by itself, and is forgotten at its end.",
  limits,
  async () => {
    await using all = await scene();
    const { pair, ports, take } = all;
    ports.onChannelOpen("forwarded-tcpip", take);
    const opened = all.forward();
    const { data, accept } = await all.opening();
    assert.deepEqual({ ...data }, { destIP: "localhost", destPort: 8080, srcIP: "192.0.2.1", srcPort: 4000 });
    const near = accept();
    const far = await opened;
    const [down, up] = [text(near), text(far)];
    near.end("question");
    assert.equal(await up, "question");
    const closed = new Promise<void>((resolve) => near.once("close", resolve));
    far.end("answer");
    assert.equal(await down, "answer");
    await closed;
    assert.equal(pair.held, 0);
  },
);

for (const [type, open] of [
  ["x11", (pair, told) => pair.connection.x11("127.0.0.1", 6010, told)],
  [
    "forwarded-streamlocal@openssh.com",
    (pair, told) => pair.connection.openssh_forwardOutStreamLocal("/run/a.sock", told),
  ],
] as const satisfies readonly (readonly [
  string,
  (pair: ChannelPair, told: (error: Error | undefined, channel: ServerChannel) => void) => void,
])[]) {
  test(`A channel of type ${type} is taken as any other, whether or not ssh2 expects it.`, limits, async () => {
    await using all = await scene();
    all.ports.onChannelOpen(type, all.take);
    const opened = new Promise<ServerChannel>((resolve, reject) => {
      open(all.pair, (error, channel) => (error === undefined ? resolve(channel) : reject(error)));
    });
    const near = (await all.opening()).accept();
    near.end("hello");
    assert.equal(await text(await opened), "hello");
  });
}

test("A refusal has its own reason and text.", limits, async () => {
  await using all = await scene();
  const { ports, pair } = all;
  const refusals = [
    { reason: 1, text: "open failed" },
    { reason: 2, text: "Connection refused" },
    { reason: 4, text: "too many connections" },
  ] as const;
  let next = 0;
  ports.onChannelOpen("forwarded-tcpip", ({ refuse }) => refuse(refusals[next++] ?? assert.fail("one too many")));
  for (const refusal of refusals) assert.deepEqual(await refusalOf(all.forward()), refusal);
  assert.equal(pair.held, 0);
});

test(
  "What nobody takes is decided by ssh2, and whoever took it first is replaced by whoever took it last.",
  limits,
  async () => {
    await using all = await scene();
    assert.deepEqual(await refusalOf(all.forward()), { reason: 1, text: "" });
    all.ports.onChannelOpen("forwarded-tcpip", () => assert.fail("it was replaced"));
    all.ports.onChannelOpen("forwarded-tcpip", ({ refuse }) => refuse({ reason: 2, text: "the second" }));
    assert.deepEqual(await refusalOf(all.forward()), { reason: 2, text: "the second" });
  },
);

test("Watchers see each before it is decided about, and whether somebody wants its kind.", limits, async () => {
  await using all = await scene();
  const { ports } = all;
  const seen: (OpenedChannel | string)[] = [];
  for (const name of ["first", "second"]) ports.watchChannelOpens((opened) => seen.push(name, opened));
  await refusalOf(all.forward());
  ports.onChannelOpen("forwarded-tcpip", ({ refuse }) => {
    seen.push("taker");
    refuse({ reason: 1, text: "no" });
  });
  await refusalOf(all.forward());
  const opened = (isWanted: boolean): OpenedChannel => ({
    type: "forwarded-tcpip",
    data: { destIP: "localhost", destPort: 8080, srcIP: "192.0.2.1", srcPort: 4000 },
    isWanted,
  });
  const [unwanted, wanted] = [opened(false), opened(true)];
  assert.deepEqual(
    seen.map((each) => (typeof each === "string" ? each : { ...each, data: { ...each.data } })),
    ["first", unwanted, "second", unwanted, "first", wanted, "second", wanted, "taker"],
  );
});

test(
  "A channel that takes packets of a few bytes only is looked at and refused, and the session goes on.",
  limits,
  async () => {
    await using all = await scene();
    const { pair, ports } = all;
    let seen = 0;
    ports.watchChannelOpens(() => seen++);
    ports.onChannelOpen("forwarded-tcpip", () => assert.fail("it was taken"));
    const { _protocol: protocol } = serverView(pair.connection);
    for (const bytes of [0, 255]) {
      withPacketsOf(bytes, protocol);
      assert.deepEqual(await refusalOf(all.forward()), { reason: 4, text: `packets of ${bytes} bytes are too small` });
    }
    assert.equal(seen, 2);
    const { near, far } = await pair.channel();
    near.end("all is well");
    assert.equal(await text(far), "all is well");
  },
);

test(
  "An sshd that chose the port itself and says 0 for it is known by the true one, to all who look.",
  limits,
  async () => {
    await using all = await scene();
    const { pair, ports, view } = all;
    // COMPAT.DYN_RPORT_BUG: so ssh2 keeps it after a yes of OpenSSH 5.
    Object.assign(view._forwarding, { "localhost:0": 40_000 });
    const seen: unknown[] = [];
    ports.watchChannelOpens(({ data }) => seen.push(data.destPort));
    ports.onChannelOpen("forwarded-tcpip", ({ data, refuse }) => {
      seen.push(data.destPort);
      refuse({ reason: 1, text: "no" });
    });
    for (const [host, port] of [
      ["localhost", 0],
      ["elsewhere", 0],
      ["localhost", 8080],
    ] as const) {
      const opened = new Promise<ServerChannel>((resolve, reject) => {
        pair.connection.forwardOut(host, port, "192.0.2.1", 4000, (error, channel) =>
          error === undefined ? resolve(channel) : reject(error),
        );
      });
      await refusalOf(opened);
    }
    assert.deepEqual(seen, [40_000, 40_000, 0, 0, 8080, 8080]);
  },
);

test("One that takes packets of 256 bytes works.", limits, async () => {
  await using all = await scene();
  withPacketsOf(256, serverView(all.pair.connection)._protocol);
  all.ports.onChannelOpen("forwarded-tcpip", ({ accept }) => accept().end("x".repeat(1000)));
  assert.equal(await text(await all.forward()), "x".repeat(1000));
});

/** The next channel that the server opens says that it takes no larger packets. */
function withPacketsOf(bytes: number, protocol: ServerProtocol): void {
  const { forwardedTcpip: open } = protocol;
  protocol.forwardedTcpip = (local, windowBytes, _packetBytes, info) => {
    protocol.forwardedTcpip = open;
    open.call(protocol, local, windowBytes, bytes, info);
  };
}

/** How ssh2 is asked for an X11 channel, which is how all are accepted, is the same afterwards as before. */
function assertAsFound(view: ClientView, client: ChannelPair["client"], before: readonly unknown[]): void {
  assert.equal(view._acceptX11, 0);
  assert.deepEqual(client.listeners("x11"), before);
}

test("Of the way in which channels are accepted nothing is left behind, not even when it throws.", limits, async () => {
  await using all = await scene();
  const { pair, ports, view, take } = all;
  const before = pair.client.listeners("x11");
  ports.onChannelOpen("forwarded-tcpip", take);
  const opened = all.forward();
  const first = await all.opening(0);
  assertAsFound(view, pair.client, before);
  first.accept();
  assertAsFound(view, pair.client, before);
  await opened;

  all.forward().catch(() => {});
  const second = await all.opening(1);
  const { channelOpenConfirm: confirm } = view._protocol;
  view._protocol.channelOpenConfirm = () => {
    assert.equal(view._acceptX11, 1, "it is open for this one");
    throw new Error("Instance unusable after fatal error");
  };
  assert.throws(() => second.accept(), /unusable/);
  view._protocol.channelOpenConfirm = confirm;
  assertAsFound(view, pair.client, before);
});

test(
  "Without a number for it an accept throws, the server hears why, and nothing is left behind.",
  limits,
  async () => {
    await using all = await scene();
    const { pair, ports, view, take } = all;
    const before = pair.client.listeners("x11");
    ports.onChannelOpen("forwarded-tcpip", take);
    const opened = refusalOf(all.forward());
    const { accept } = await all.opening();
    const { _chanMgr: channels } = view;
    const { add } = channels;
    channels.add = () => -1;
    assert.throws(() => accept(), /there is no number left for a channel/);
    channels.add = add;
    assert.deepEqual(await opened, { reason: 4, text: "" });
    assertAsFound(view, pair.client, before);
  },
);

test("When the session has ended an accept throws and a refusal says nothing.", limits, async () => {
  await using all = await scene();
  const { pair, ports, take, view } = all;
  const before = pair.client.listeners("x11");
  ports.onChannelOpen("forwarded-tcpip", take);
  for (const opened of [all.forward(), all.forward()]) opened.catch(() => {});
  const [first, second] = [await all.opening(0), await all.opening(1)];
  await pair.break();
  assert.throws(() => first.accept());
  second.refuse({ reason: 1, text: "no" });
  assert.equal(pair.held, 0);
  assertAsFound(view, pair.client, before);
});
