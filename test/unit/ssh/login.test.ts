import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createConnection, createServer, type Socket } from "node:net";
import { test } from "node:test";
import type { Client, ClientChannel, Connection, ServerConfig } from "ssh2";
import { fingerprint } from "../../../src/codec/keys/fingerprint.ts";
import { PorthopError } from "../../../src/errors.ts";
import { loadSsh2 } from "../../../src/ssh/loader.ts";
import { type LoginSettings, logIn, type Negotiated, type Trust } from "../../../src/ssh/login.ts";
import { Disconnected } from "../../../src/ssh/ssh2/inbound-fault.ts";
import type { Ports } from "../../../src/ssh/ssh2/ports.ts";
import { hostileSsh } from "../../kit/hostile-ssh.ts";
import { makeSshKey, startSshServer } from "../../kit/ssh-server.ts";
import { serverView } from "../../kit/ssh2-server-view.ts";
import { tellingTo } from "../../kit/telling.ts";
import { easyTrust } from "../../kit/trust.ts";
import { Waiting } from "../../kit/waiting.ts";

// As porthop loads it: with the key exchanges that porthop adds.
const ssh2 = await loadSsh2();
const timeout = 30_000;
const never = new AbortController().signal;

interface Attempt extends AsyncDisposable {
  readonly client: Client;
  readonly socket: Socket;
  readonly trace: string[];
  readonly banners: string[];
  readonly login: Promise<Negotiated>;
  /** Why it failed. */
  readonly refusal: Promise<PorthopError>;
}

interface Case extends Partial<Omit<LoginSettings, "host" | "port">> {
  readonly trust?: Partial<Trust>;
  readonly signal?: AbortSignal;
  /** ssh2 may chatter. */
  readonly isTraced?: boolean;
  readonly begin?: (negotiated: Negotiated) => void;
  /** Called with the connection before the login begins. */
  readonly before?: (socket: Socket) => Promise<void>;
}

async function attempt(server: { readonly host: string; readonly port: number }, options: Case = {}): Promise<Attempt> {
  const { trust, signal = never, isTraced = false, begin, before, ...settings } = options;
  const socket = createConnection({ host: server.host, port: server.port, noDelay: true });
  socket.on("error", () => {});
  await once(socket, "connect");
  await before?.(socket);
  const client = new ssh2.Client();
  const trace: string[] = [];
  const banners: string[] = [];
  const telling = tellingTo(undefined, { trace: isTraced ? (text) => trace.push(text) : undefined });
  telling.bus.on("banner", ({ text }) => banners.push(text));
  const login = logIn<Ports, Negotiated>(
    {
      ...{ client, stream: socket, telling },
      outgoing: {
        onGiven: (told) => {
          const write = socket.write.bind(socket);
          socket.write = ((data: Uint8Array) => {
            told();
            return write(data);
          }) as typeof socket.write;
        },
      },
      settings: {
        host: server.host,
        port: server.port,
        user: "anna",
        connectTimeoutMs: undefined,
        handshakeTimeoutMs: 30_000,
        algorithms: {},
        ...settings,
      },
      trust: easyTrust(trust),
      attach: (ports) => ports,
      begin(negotiated, attached) {
        assert.equal(attached.client, client);
        begin?.(negotiated);
        return negotiated;
      },
    },
    signal,
  );
  const refusal = login.then(
    () => assert.fail("it succeeded"),
    (error: unknown) => {
      assert.ok(error instanceof PorthopError, String(error));
      return error;
    },
  );
  refusal.catch(() => {});
  const close = async () => void socket.destroy();
  return { client, socket, trace, banners, login, refusal, [Symbol.asyncDispose]: close };
}

/** A server that does with a connection what the test wants. */
async function rawServer(serve: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    serve(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    host: "127.0.0.1",
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** ssh2's server, whose connections are in the test's hands. */
async function sshServer(config: Partial<ServerConfig>, serve: (connection: Connection) => void) {
  const server = new ssh2.Server({ hostKeys: [makeSshKey().private], ...config }, (connection) => {
    connection.on("error", () => {});
    serve(connection);
  });
  return await rawServer((socket) => server.injectSocket(socket));
}

test("What was negotiated is told: cipher, key exchange, host key and the server's software.", {
  timeout,
}, async () => {
  await using server = await startSshServer({ ident: "OpenSSH_9.2p1 Debian-2" });
  await using played = await attempt(server, { algorithms: { ciphers: "aes256-ctr", kex: "ecdh-sha2-nistp256" } });
  const [, blob = ""] = server.publicHostKey.split(" ");
  assert.deepEqual(await played.login, {
    cipher: "aes256-ctr",
    kex: "ecdh-sha2-nistp256",
    hostKey: fingerprint(Buffer.from(blob, "base64")),
    serverSoftware: "OpenSSH_9.2p1",
  });
  assert.deepEqual(server.counts.attempts, [{ user: "anna", method: "none", outcome: "accepted" }]);
});

test("The host key is verified before anything is said about who we are.", { timeout }, async () => {
  await using server = await startSshServer();
  const keys: Buffer[] = [];
  await using played = await attempt(server, {
    trust: {
      verify: async (blob) => {
        keys.push(Buffer.from(blob));
        assert.equal(server.counts.attempts.length, 0);
      },
    },
  });
  await played.login;
  assert.deepEqual(
    keys.map((blob) => blob.toString("base64")),
    [server.publicHostKey.split(" ")[1]],
  );
});

test("A host key that is refused ends it with that reason, and the server learns no user name.", {
  timeout,
}, async () => {
  await using server = await startSshServer();
  const reason = new PorthopError("ssh.host-key-changed", "it has changed", { leg: 2 });
  await using played = await attempt(server, { trust: { verify: () => Promise.reject(reason) } });
  assert.equal(await played.refusal, reason);
  assert.deepEqual([server.counts.connections, server.counts.attempts], [1, []]);
});

test("A login that is refused is told in the words of whoever tried it.", { timeout }, async () => {
  await using server = await startSshServer({ password: "s3cret" });
  const reason = new PorthopError("ssh.auth-failed", "no key was good enough");
  await using played = await attempt(server, { trust: { authFailure: () => reason } });
  assert.equal(await played.refusal, reason);
});

test("A server that ends the login because there were too many is told as a failed login, with the cause.", {
  timeout,
}, async () => {
  await using server = await startSshServer();
  const reason = new PorthopError("ssh.auth-failed", "the server had enough");
  // As OpenSSH says it (auth.c, auth_maxtries_exceeded).
  const ended = new Disconnected(2, "Too many authentication failures");
  const causes: unknown[] = [];
  let client: Client | undefined;
  await using played = await attempt(server, {
    trust: {
      attach: (ports) => {
        client = ports.client;
      },
      authHandler: () => void client?.emit("error", ended),
      authFailure: (cause) => {
        causes.push(cause);
        return reason;
      },
    },
  });
  assert.equal(await played.refusal, reason);
  assert.deepEqual(causes, [ended]);
});

test("A server that says nothing more during the login is given up too, when it was its turn.", {
  timeout,
}, async () => {
  await using server = await hostileSsh({ login: () => {} });
  await using played = await attempt(server, { loginSilenceMs: 60 });
  const { code, leg, message } = await played.refusal;
  assert.deepEqual(
    [code, leg, message],
    ["ssh.lost", 2, `lost the session with 127.0.0.1:${server.port}: no answer to the login within 0.06 s`],
  );
});

test("A server that says nothing is given up when its time is over.", { timeout }, async () => {
  await using server = await rawServer(() => {});
  await using played = await attempt(server, { handshakeTimeoutMs: 60 });
  const error = await played.refusal;
  assert.deepEqual(
    [error.code, error.leg, error.message],
    ["ssh.protocol", 2, `the SSH handshake with 127.0.0.1:${server.port} failed: no answer within 0.06 s`],
  );
});

test("A person may think about the host key for longer than a server may be silent.", { timeout }, async () => {
  await using server = await startSshServer();
  const thinking = () => new Promise<void>((resolve) => setTimeout(resolve, 2500));
  await using played = await attempt(server, { handshakeTimeoutMs: 2000, trust: { verify: thinking } });
  await played.login;
});

test("A server that is something else is shown by its first line.", { timeout }, async () => {
  await using server = await rawServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
  await using played = await attempt(server);
  const error = await played.refusal;
  assert.deepEqual(
    [error.code, error.message],
    ["ssh.protocol", `127.0.0.1:${server.port} does not speak SSH: it said "HTTP/1.1 400 Bad Request"`],
  );
});

test("A server that closes, or resets, before the handshake is told as a lost connection.", { timeout }, async () => {
  for (const [leave, how] of [
    [(socket: Socket) => void socket.end(), /closed the connection before its SSH greeting$/],
    [
      (socket: Socket) => void socket.once("data", () => socket.resetAndDestroy()),
      /reset the connection before its SSH greeting$/,
    ],
    [
      (socket: Socket) => void socket.end("hello\r\nSSH-2.0-x\r\n"),
      /closed the connection before the SSH handshake was done; before its greeting it said "hello"$/,
    ],
  ] as const) {
    await using server = await rawServer(leave);
    await using played = await attempt(server);
    const error = await played.refusal;
    assert.deepEqual([error.code, error.leg], ["ssh.lost", 2]);
    assert.match(error.message, how);
  }
});

test("A connection that is over before the login begins is told as lost, and not waited for.", {
  timeout,
}, async () => {
  await using server = await rawServer(() => {});
  const before = async (socket: Socket) => {
    socket.destroy();
    await once(socket, "close");
  };
  await using played = await attempt(server, { before });
  const error = await played.refusal;
  assert.deepEqual([error.code, error.leg], ["ssh.lost", 2]);
  assert.match(error.message, /closed the connection before its SSH greeting$/);
});

test("A server with no algorithm in common is told so.", { timeout }, async () => {
  await using server = await sshServer({ algorithms: { cipher: ["aes128-ctr"] } }, () => {});
  await using played = await attempt(server, { algorithms: { ciphers: "aes256-ctr" } });
  const error = await played.refusal;
  assert.equal(error.code, "ssh.protocol");
  assert.match(error.message, /have no algorithm in common: no matching C->S cipher; its offer: aes128-ctr$/);
});

test("An algorithm that nobody has is refused before a word is said.", { timeout }, async () => {
  await using server = await startSshServer();
  await using played = await attempt(server, { algorithms: { ciphers: "rot13" } });
  assert.equal((await played.refusal).code, "config.invalid");
});

test("An abort ends it with its reason, before, during the handshake and while somebody thinks.", {
  timeout,
}, async () => {
  const reason = new PorthopError("cancelled", "stopped by SIGINT");
  const before = new AbortController();
  before.abort(reason);
  await using ssh = await startSshServer();
  await using early = await attempt(ssh, { signal: before.signal });
  assert.equal(await early.refusal, reason);

  const during = new AbortController();
  await using silent = await rawServer(() => during.abort(reason));
  await using waiting = await attempt(silent, { signal: during.signal });
  assert.equal(await waiting.refusal, reason);

  const thinking = new AbortController();
  let answer = () => {};
  const answered = new Promise<void>((resolve) => {
    answer = resolve;
  });
  await using asked = await attempt(ssh, {
    signal: thinking.signal,
    trust: {
      verify: () => {
        thinking.abort(reason);
        return answered;
      },
    },
  });
  assert.equal(await asked.refusal, reason);
  // The session destroys the socket then; an answer that comes late meets nobody.
  asked.socket.destroy();
  answer();
  await once(asked.socket, "close");
});

test("An abort that comes after the login takes nothing from the session.", { timeout }, async () => {
  await using server = await startSshServer();
  const controller = new AbortController();
  await using played = await attempt(server, { signal: controller.signal });
  await played.login;
  const { client } = played;
  const closed = new Promise<void>((resolve) => client.on("close", () => resolve()));
  controller.abort(new PorthopError("cancelled", "stopped by SIGINT"));
  client.end();
  await closed;
});

test("A lost connection during the login is told as lost, not as a refusal.", { timeout }, async () => {
  await using server = await sshServer({}, (connection) => {
    connection.on("authentication", () => {
      serverView(connection)._sock.resetAndDestroy();
    });
  });
  await using played = await attempt(server);
  const error = await played.refusal;
  assert.equal(error.code, "ssh.lost");
  assert.match(error.message, /^127\.0\.0\.1:\d+ (reset|closed) the connection during the login$/);
});

test("A server's words are passed on, line by line and made safe.", { timeout }, async () => {
  await using server = await startSshServer({ banner: "Hello\u001b[2J\r\nanna\r\n" });
  await using played = await attempt(server);
  await played.login;
  assert.deepEqual(played.banners, ["Hello\\x1b[2J\nanna"]);
});

test("What ssh2 has to say is heard where it is wanted; elsewhere ssh2 is not even asked for it.", {
  timeout,
}, async () => {
  await using server = await startSshServer();
  await using played = await attempt(server, { isTraced: true });
  await played.login;
  assert.ok(played.trace.length > 10);
  await using quiet = await attempt(server);
  await quiet.login;
  const chatter = ({ client }: Attempt) => (client as unknown as { readonly config: { debug?: unknown } }).config.debug;
  assert.deepEqual([typeof chatter(played), chatter(quiet)], ["function", undefined]);
});

/** Two connections' worth of data on one channel, while the server changes keys. */
async function rekeying(changeKey: boolean) {
  let verified = 0;
  const connections: Connection[] = [];
  const waiting = new Waiting();
  const server = await sshServer({}, (connection) => {
    connections.push(connection);
    connection.on("authentication", (context) => context.accept());
    connection.on("tcpip", (accept) => {
      const channel = accept();
      channel.on("data", (chunk: Uint8Array) => channel.write(chunk));
    });
  });
  let ports: Ports | undefined;
  const played = await attempt(server, {
    trust: {
      verify: async () => {
        verified++;
      },
      attach: (each) => {
        ports = each;
      },
    },
  });
  await played.login;
  const { client } = played;
  let handshakes = 0;
  client.on("handshake", () => {
    handshakes++;
    waiting.change();
  });
  let error: Error | undefined;
  client.on("error", (each) => {
    error ??= each;
  });
  let closed = false;
  client.on("close", () => {
    closed = true;
    waiting.change();
  });
  const [connection] = connections;
  assert.ok(connection !== undefined);
  if (changeKey) {
    const other = ssh2.utils.parseKey(makeSshKey().private);
    serverView(connection)._protocol._hostKeys = { "ssh-ed25519": other };
  }
  return {
    client,
    verified: () => verified,
    rekey: () => ports?.rekey(),
    rekeyed: () => waiting.until("the second key exchange", () => (handshakes > 0 ? true : undefined)),
    closed: () => waiting.until("the end", () => (closed ? (error ?? new Error("no error")) : undefined)),
    async [Symbol.asyncDispose]() {
      await played[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

test("A change of keys while data flows is answered at once with the key that was accepted, and asks nobody.", {
  timeout,
}, async () => {
  await using play = await rekeying(false);
  const channel = await new Promise<ClientChannel>((resolve, reject) => {
    play.client.forwardOut("127.0.0.1", 1, "echo", 7, (error, opened) => (error ? reject(error) : resolve(opened)));
  });
  const sent = Buffer.alloc(1_000_000, "rekey ");
  const got: Uint8Array[] = [];
  const waiting = new Waiting();
  channel.on("data", (chunk: Uint8Array) => {
    got.push(chunk);
    waiting.change();
  });
  channel.write(sent.subarray(0, 500_000));
  play.rekey();
  channel.write(sent.subarray(500_000));
  await play.rekeyed();
  const whole = await waiting.until("all of it", () => {
    const all = Buffer.concat(got);
    return all.length === sent.length ? all : undefined;
  });
  assert.ok(whole.equals(sent));
  assert.equal(play.verified(), 1);
});

test("Another host key at a change of keys ends the session, and asks nobody.", { timeout }, async () => {
  await using play = await rekeying(true);
  play.rekey();
  const error = await play.closed();
  assert.match(error.message, /[Hh]ost.*(denied|verification)/);
  assert.equal(play.verified(), 1);
});
