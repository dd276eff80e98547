import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { test } from "node:test";
import ssh2, { type Client, type Connection, type ServerChannel } from "ssh2";
import type { PorthopError } from "../../../src/errors.ts";
import type { Conn } from "../../../src/flow/conn.ts";
import { guard } from "../../../src/ssh/guard.ts";
import { Session } from "../../../src/ssh/session.ts";
import { ChannelPair } from "../../kit/channel-pair.ts";
import { readAll } from "../../kit/memory-conn.ts";
import { makeSshKey } from "../../kit/ssh-server.ts";
import { tellingTo } from "../../kit/telling.ts";
import { easyTrust } from "../../kit/trust.ts";

const timeout = 30_000;
const never = new AbortController().signal;

/** What ssh2's server does not let its users do (ssh2 1.17.0, lib/protocol/Protocol.js). */
interface Protocol {
  channelOpenConfirm(remote: number, local: number, window: number, packetSize: number): void;
  channelData(recipient: number, data: Uint8Array): void;
  channelExtData(recipient: number, data: Uint8Array, type: number): void;
  channelEOF(recipient: number): void;
}

const protocolOf = (connection: Connection) => (connection as unknown as { _protocol: Protocol })._protocol;
const idOf = (channel: ServerChannel) => (channel as unknown as { outgoing: { id: number } }).outgoing.id;

interface Rules {
  /** How the server's first bytes are cut; each piece goes in a turn of its own. */
  readonly firstPieces?: (whole: Buffer) => Buffer[];
  readonly greeting?: string;
  readonly connected?: (connection: Connection) => void;
  readonly opened?: (channel: ServerChannel, protocol: Protocol) => void;
}

async function serve({ firstPieces, greeting, connected, opened }: Rules) {
  const sockets = new Set<Socket>();
  const ssh = new ssh2.Server(
    { hostKeys: [makeSshKey().private], ident: "OpenSSH_10.1", ...(greeting === undefined ? {} : { greeting }) },
    (connection) => {
      connection.on("error", () => {});
      connection.on("authentication", (attempt) => attempt.accept());
      connected?.(connection);
      connection.on("tcpip", (accept) => {
        const channel = accept();
        channel.on("error", () => {});
        opened?.(channel, protocolOf(connection));
      });
    },
  );
  const listener = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    if (firstPieces !== undefined) cutFirst(socket, firstPieces);
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

/** All that is written in the first turn goes out in these pieces, and what comes later behind them. */
function cutFirst(socket: Socket, pieces: (whole: Buffer) => Buffer[]): void {
  const write = socket.write.bind(socket) as (data: Uint8Array) => boolean;
  const early: Uint8Array[] = [];
  const send = async () => {
    for (const piece of pieces(Buffer.concat(early.splice(0)))) {
      write(piece);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    socket.write = write as typeof socket.write;
    for (const late of early) write(late);
  };
  setImmediate(() => void send());
  socket.write = ((data: string | Uint8Array) => {
    early.push(Buffer.from(data as Uint8Array));
    return true;
  }) as typeof socket.write;
}

async function connect({ port }: { readonly port: number }): Promise<Session> {
  return await Session.connect(
    {
      host: "127.0.0.1",
      port,
      user: "anna",
      connectTimeoutMs: 5000,
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

const singly = (whole: Buffer): Buffer[] => [
  ...Array.from(whole.subarray(0, 60), (byte) => Buffer.of(byte)),
  whole.subarray(60),
];

for (const [what, rules] of [
  ["in pieces of one byte", { firstPieces: singly }],
  [
    "in three pieces",
    { firstPieces: (whole: Buffer) => [whole.subarray(0, 3), whole.subarray(3, 9), whole.subarray(9)] },
  ],
  ["behind a greeting, in pieces of one byte", { greeting: "Welcome\r\nto vishnu", firstPieces: singly }],
] as const) {
  test(`An identification that comes ${what} is read whole.`, { timeout }, async () => {
    await using server = await serve(rules);
    const session = await connect(server);
    assert.equal(session.facts.serverSoftware, "OpenSSH_10.1");
    await session.close();
  });
}

test("A server that greets without end is given up.", { timeout }, async () => {
  const listener = createServer((socket) => {
    socket.on("error", () => {});
    const line = Buffer.from(`${"x".repeat(1000)}\r\n`);
    const babble = () => {
      while (!socket.destroyed && socket.write(line));
    };
    socket.on("drain", babble);
    babble();
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  await assert.rejects(connect(listener.address() as AddressInfo), { code: "ssh.protocol" });
  listener.close();
});

/** How the first channel of a session fares, and that the second one is as good as any. */
async function fareOfFirst(first: (channel: ServerChannel, protocol: Protocol) => void, rules: Rules = {}) {
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
      const protocol = protocolOf(connection);
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
      const { outgoing } = channel as unknown as { outgoing: { window: number } };
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

test("A keepalive on a channel that we have closed is not answered: the number may be another one's.", () => {
  const asked: boolean[] = [];
  const states = ["open", "eof", "closing", "closed"];
  const handlers = {
    CHANNEL_REQUEST: (_self: unknown, _recipient: number, _type: string, wantsReply: boolean) =>
      void asked.push(wantsReply),
  };
  const client = {
    _protocol: { _handlers: handlers, _parse: () => 0 },
    _chanMgr: { get: (recipient: number) => ({ outgoing: { state: states[recipient] } }) },
  };
  guard(client as unknown as Client);
  const request = handlers.CHANNEL_REQUEST as (...words: unknown[]) => void;
  for (const recipient of states.keys()) request(undefined, recipient, "keepalive@openssh.com", true, undefined);
  request(undefined, 0, "exit-status", false, 0);
  assert.deepEqual(asked, [true, true, false, false, false]);
});

test("When the connection has ended what the channels still have to say goes nowhere, and throws nothing.", {
  timeout,
}, async () => {
  await using pair = await ChannelPair.open();
  const { near } = await pair.channel();
  (pair.client as unknown as { _protocol: { cleanup(): void } })._protocol.cleanup();
  near.write("too late");
  near.end();
  near.close();
  await pair.break();
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

test("A channel of the server's own that takes packets of no size is refused, and the session goes on.", {
  timeout,
}, async () => {
  const refused = Promise.withResolvers<Error | undefined>();
  await using server = await serve({
    connected: (connection) => {
      const protocol = protocolOf(connection) as unknown as Record<"forwardedTcpip", (...args: unknown[]) => void>;
      const open = protocol.forwardedTcpip;
      protocol.forwardedTcpip = (channel, window, _packetSize, info) => open.call(protocol, channel, window, 0, info);
      connection.on("request", (accept) => {
        accept?.();
        connection.forwardOut("localhost", 8080, "127.0.0.1", 1, (error) => refused.resolve(error));
      });
    },
    opened: (channel) => void channel.end("all is well"),
  });
  const session = await connect(server);
  await session.listen({ host: "localhost", port: 8080 }, () => assert.fail("it must not come through"));
  assert.match((await refused.promise)?.message ?? "", /packets of 0 bytes are too small/);
  assert.equal(String(await readAll(await open(session))), "all is well");
  await session.close();
});
