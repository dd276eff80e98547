import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { test } from "node:test";
import type { Connection, ServerChannel } from "ssh2";
import type { PorthopError } from "../../../../src/errors.ts";
import type { Conn } from "../../../../src/flow/conn.ts";
import { Session } from "../../../../src/ssh/session.ts";
import { ChannelMessages } from "../../../../src/ssh/ssh2/channel-messages.ts";
import { windowBytes } from "../../../../src/ssh/ssh2/receive-window.ts";
import type { ChannelTable, ChannelView, Handlers } from "../../../../src/ssh/ssh2/view.ts";
import { ssh2 } from "../../../kit/loaded-ssh2.ts";
import { readAll } from "../../../kit/memory-conn.ts";
import { makeSshKey } from "../../../kit/ssh-server.ts";
import { type ServerProtocol, serverChannelView, serverView } from "../../../kit/ssh2-server-view.ts";
import { tellingTo } from "../../../kit/telling.ts";
import { easyTrust } from "../../../kit/trust.ts";

const timeout = 30_000;
const never = new AbortController().signal;

const idOf = (channel: ServerChannel) => serverChannelView(channel).outgoing.id;

interface Rules {
  readonly connected?: (connection: Connection) => void;
  readonly opened?: (channel: ServerChannel, protocol: ServerProtocol) => void;
}

async function serve({ connected, opened }: Rules) {
  const sockets = new Set<Socket>();
  const ssh = new ssh2.Server({ hostKeys: [makeSshKey().private] }, (connection) => {
    connection.on("error", () => {});
    connection.on("authentication", (attempt) => attempt.accept());
    connected?.(connection);
    connection.on("tcpip", (accept) => {
      const channel = accept();
      channel.on("error", () => {});
      opened?.(channel, serverView(connection)._protocol);
    });
  });
  const listener = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    ssh.injectSocket(socket);
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  return {
    port: (listener.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      listener.close();
    },
  };
}

async function connect({ port }: { readonly port: number }): Promise<Session> {
  return await Session.connect(
    {
      host: "127.0.0.1",
      port,
      user: "anna",
      connectTimeoutMs: 5000,
      handshakeTimeoutMs: 5000,
      attempts: 1,
      keepAliveIntervalMs: 0,
      keepAliveCountMax: 0,
      algorithms: {},
    },
    { trust: async () => easyTrust(), ...tellingTo() },
    never,
  );
}

function open(session: Session): Promise<Conn> {
  return session.openChannel({ host: "db", port: 5432 }, { host: "127.0.0.1", port: 1 }, never);
}

/** How the first channel of a session fares, and that the second one is as good as any. */
async function fareOfFirst(first: (channel: ServerChannel, protocol: ServerProtocol) => void, rules: Rules = {}) {
  let opened = 0;
  await using server = await serve({
    ...rules,
    opened: (channel, protocol) => {
      opened += 1;
      if (opened === 1) return first(channel, protocol);
      channel.end("all is well");
    },
  });
  const session = await connect(server);
  const conn = await open(session);
  const broken = new Promise<PorthopError>((resolve) => conn.onBroken(resolve));
  const reason = await broken;
  assert.equal(String(await readAll(await open(session))), "all is well");
  assert.equal(session.goneBy, undefined);
  await session.close();
  return reason;
}

test("A channel that takes packets of a few bytes only is closed, and the session goes on.", { timeout }, async () => {
  let confirmed = 0;
  const { code, message, leg } = await fareOfFirst(() => {}, {
    connected: (connection) => {
      const { _protocol: protocol } = serverView(connection);
      const confirm = protocol.channelOpenConfirm;
      protocol.channelOpenConfirm = (remote, local, window, packetSize) =>
        confirm.call(protocol, remote, local, window, confirmed++ === 0 ? 7 : packetSize);
    },
  });
  assert.deepEqual([code, leg], ["ssh.protocol", 2]);
  assert.match(message, /: the server opened a channel that takes packets of 7 bytes only$/);
});

test("More data than the window allows closes that channel, fills no memory, and the session goes on.", {
  timeout,
}, async () => {
  const { code, message } = await fareOfFirst((channel, protocol) => {
    const packet = Buffer.alloc(32_000);
    // The window is 2 MiB, and nobody reads.
    for (let sent = 0; sent < 8_000_000; sent += packet.length) protocol.channelData(idOf(channel), packet);
  });
  assert.equal(code, "ssh.protocol");
  assert.match(message, /: the server sent more than the window of the channel allows$/);
});

test("Extended data of a kind that nobody knows is dropped, and uses up no window for good.", { timeout }, async () => {
  await using server = await serve({
    opened: (channel, protocol) => {
      const packet = Buffer.alloc(32_000);
      let left = 200;
      // As much as three windows, at the pace at which the window is opened.
      const { outgoing } = serverChannelView(channel);
      const more = () => {
        for (; left > 0 && outgoing.window >= packet.length; left--) {
          outgoing.window -= packet.length;
          protocol.channelExtData(idOf(channel), packet, 2);
        }
        if (left > 0) setImmediate(more);
        else channel.end("at last");
      };
      more();
    },
  });
  const session = await connect(server);
  assert.equal(String(await readAll(await open(session))), "at last");
  await session.close();
});

/** Channels by number, in the hands of the test; what ssh2 itself would hear is written down. */
function played(channels: readonly Partial<ChannelView>[]) {
  const story: unknown[] = [];
  const hear =
    (kind: string) =>
    (_self: unknown, ...words: unknown[]) =>
      void story.push([kind, ...words]);
  const handlers = {
    CHANNEL_OPEN_CONFIRMATION: hear("confirmed"),
    CHANNEL_DATA: hear("data"),
    CHANNEL_EXTENDED_DATA: hear("extended data"),
    CHANNEL_REQUEST: hear("request"),
  } as Partial<Handlers> as Handlers;
  const table: Pick<ChannelTable, "get"> = { get: (id) => channels[id] as ChannelView | undefined };
  return { story, handlers, messages: new ChannelMessages(handlers, table) };
}

const outgoings = (["open", "eof", "closing", "closed"] as const).map((state) => ({
  outgoing: { state, id: 7, window: 9 },
  _exit: { code: undefined },
}));

test("A keepalive on a channel that we have closed is not answered: the number may be another one's.", () => {
  const { story, handlers } = played(outgoings);
  for (const recipient of outgoings.keys()) {
    handlers.CHANNEL_REQUEST(undefined, recipient, "keepalive@openssh.com", true, undefined);
  }
  handlers.CHANNEL_REQUEST(undefined, 0, "exit-status", false, 3);
  handlers.CHANNEL_REQUEST(undefined, 99, "keepalive@openssh.com", true, undefined);
  assert.deepEqual(story, [
    ...[true, true, false, false].map((wants, id) => ["request", id, "keepalive@openssh.com", wants, undefined]),
    ["request", 0, "exit-status", false, 3],
    ["request", 99, "keepalive@openssh.com", true, undefined],
  ]);
});

test("A keepalive behind the exit status is answered, and later statuses are heard.", () => {
  const channel = {
    outgoing: { state: "open", id: 7, window: 9 },
    _exit: { code: undefined as number | null | undefined },
  };
  const heard: unknown[] = [];
  const handlers = {
    // As ssh2 does it.
    CHANNEL_REQUEST: (_self, _recipient, type, _wantsReply, data) => {
      if (channel._exit.code !== undefined) return;
      heard.push(type);
      if (type === "exit-status") channel._exit.code = data as number;
      if (type === "exit-signal") channel._exit.code = null;
    },
  } as Partial<Handlers> as Handlers;
  new ChannelMessages(handlers, { get: () => channel as Partial<ChannelView> as ChannelView });
  const requests = ["exit-signal", "keepalive", "exit-status", "keepalive", "exit-signal", "exit-status", "keepalive"];
  for (const [status, type] of requests.entries()) handlers.CHANNEL_REQUEST(undefined, 0, type, true, status);
  assert.deepEqual(heard, ["exit-signal", "keepalive", "exit-status", "keepalive", "exit-status", "keepalive"]);
  assert.equal(channel._exit.code, 5);
});

/** One that is open both ways and on which nothing was sent; what comes is written down. */
function openChannel(story: unknown[]): ChannelView {
  const stream = (name: string) => ({
    ...{ readableLength: 0, read: () => null },
    push: (chunk: Uint8Array | null) => story.push([name, chunk?.length]) > 0,
  });
  return {
    ...stream("stdout"),
    stderr: stream("stderr"),
    incoming: { state: "open", window: windowBytes },
    outgoing: { state: "open", id: 7, window: 9 },
    _client: {
      _protocol: { channelWindowAdjust: (...words) => story.push(["adjusted", ...words]), windowChange() {} },
    },
    _callbacks: [],
    _exit: { code: undefined },
    listenerCount: () => 1,
    emit: (event, error) => story.push([event, error.message]) > 0,
    close: () => story.push(["closed"]),
    resume: () => story.push(["resumed"]),
  };
}

test("How much data comes is told before anybody has it, also when it is nobody's; ssh2's own way with it is not taken.", () => {
  const channels: ChannelView[] = [];
  const { story, handlers, messages } = played(channels);
  channels.push(openChannel(story));
  handlers.CHANNEL_DATA(undefined, 0, Buffer.alloc(5));
  messages.onData((bytes) => story.push(["told", bytes]));
  handlers.CHANNEL_DATA(undefined, 0, Buffer.alloc(4));
  handlers.CHANNEL_DATA(undefined, 1, Buffer.alloc(8));
  assert.deepEqual(story, [
    ["stdout", 5],
    ["told", 4],
    ["stdout", 4],
    ["told", 8],
  ]);
});

test("Of extended data stderr is given to whoever reads it, and all other to nobody, as if it was read.", () => {
  const channels: ChannelView[] = [];
  const { story, handlers } = played(channels);
  channels.push(openChannel(story));
  const step = 128 * 1024;
  handlers.CHANNEL_EXTENDED_DATA(undefined, 0, Buffer.alloc(step), 2);
  handlers.CHANNEL_EXTENDED_DATA(undefined, 0, Buffer.alloc(3), 1);
  assert.deepEqual(story, [
    ["adjusted", 7, step],
    ["stderr", 3],
  ]);
});

test("A channel of too small packets is given to ssh2 with such as work, then whoever has it hears why it is closed.", () => {
  const channels: ChannelView[] = [];
  const { story, handlers } = played(channels);
  channels.push(openChannel(story));
  handlers.CHANNEL_OPEN_CONFIRMATION(undefined, { window: 9, packetSize: 255, recipient: 0 });
  handlers.CHANNEL_OPEN_CONFIRMATION(undefined, { window: 9, packetSize: 256, recipient: 0 });
  assert.deepEqual(story, [
    ["confirmed", { window: 9, packetSize: 256, recipient: 0 }],
    ["error", "the server opened a channel that takes packets of 255 bytes only"],
    // It must see its end to be forgotten.
    ...[["closed"], ["resumed"]],
    ["confirmed", { window: 9, packetSize: 256, recipient: 0 }],
  ]);
});

test("Data behind an EOF is nobody's, and the other half goes on.", { timeout }, async () => {
  const heard: string[] = [];
  await using server = await serve({
    opened: (channel, protocol) => {
      const id = idOf(channel);
      channel.on("data", (chunk: Uint8Array) => heard.push(String(chunk)));
      protocol.channelData(id, Buffer.from("all"));
      protocol.channelEOF(id);
      protocol.channelData(id, Buffer.from("and more"));
    },
  });
  const session = await connect(server);
  for (const text of ["first", "second"]) {
    const conn = await open(session);
    assert.equal(String(await readAll(conn)), "all");
    await conn.write(Buffer.from(text));
    await conn.end();
  }
  await session.close();
  assert.deepEqual(heard, ["first", "second"]);
});
