/**
 * A session against servers that send random bytes, or a true conversation with bytes of it turned: whatever comes, it
 * starts or it fails with a coded error, and nothing is thrown where nobody can catch it.
 */
import assert from "node:assert/strict";
import { createConnection } from "node:net";
import { after, test } from "node:test";
import { PorthopError } from "../../../src/errors.ts";
import type { Trust } from "../../../src/ssh/login.ts";
import { Session } from "../../../src/ssh/session.ts";
import { rounds } from "../../kit/effort.ts";
import { hostileSsh, text, uint32 } from "../../kit/hostile-ssh.ts";
import { shared } from "../../kit/lifetime.ts";
import { randomBytes } from "../../kit/random.ts";
import { rawServer } from "../../kit/raw-server.ts";
import { startSshServer } from "../../kit/ssh-server.ts";
import { clearPacket, kexInit, sameLists } from "../../kit/ssh-stream.ts";
import { tellingTo } from "../../kit/telling.ts";

const limits = { timeout: 60_000 };
const theServer = shared(() => startSshServer());
const strays: unknown[] = [];
const stray = (thrown: unknown) => void strays.push(thrown);
process.on("uncaughtException", stray);
process.on("unhandledRejection", stray);
after(() => {
  process.removeListener("uncaughtException", stray);
  process.removeListener("unhandledRejection", stray);
});

/** Whoever it is, we believe them; nothing is secret here. */
const trust: Trust = {
  hostKeyTypes: [],
  verify: () => Promise.resolve(),
  authHandler: (methods, _partial, next) => {
    (next as unknown as (attempt: unknown) => void)(methods === null ? { type: "none", username: "alice" } : false);
  },
  attach: () => {},
  authFailure: (cause) => new PorthopError("ssh.auth-failed", "no", { leg: 2, cause }),
};

/**
 * What became of a session with this port: its error's code, `ready`, or `waiting` when `patience` ended before the
 * login.
 */
async function outcome(
  port: number,
  use: (session: Session) => Promise<void> = async () => {},
  patience = new AbortController().signal,
): Promise<string> {
  const settings = {
    host: "127.0.0.1",
    port,
    user: "alice",
    connectTimeoutMs: 300,
    handshakeTimeoutMs: 300,
    attempts: 1,
    keepAliveIntervalMs: 0,
    keepAliveCountMax: 3,
    algorithms: {},
  };
  const context = { trust: () => Promise.resolve(trust), ...tellingTo() };
  try {
    const session = await Session.connect(settings, context, patience);
    try {
      await use(session);
    } finally {
      // It may be lost right away, or only when we say goodbye.
      await session.close();
    }
    return "ready";
  } catch (error) {
    if (patience.aborted && error === patience.reason) return "waiting";
    assert.ok(error instanceof PorthopError, `not a coded error: ${error instanceof Error ? error.stack : error}`);
    assert.ok(error.leg === 2 || error.leg === 3);
    assert.match(error.message, /^[^\p{Cc}\p{Cf}]{1,700}$/u);
    assert.doesNotMatch(error.message, /undefined|\[object|is not a function|evaluating/);
    return error.code;
  }
}

/** Plays against so many sessions, and demands of each a coded error. */
async function assertAllFail(count: number, make: (seed: number) => Uint8Array): Promise<void> {
  let seed = 0;
  await using server = await rawServer((socket) => {
    socket.resume();
    const bytes = make(seed++);
    // In two pieces at any place, and with an end or without.
    const cut = (seed * 7919) % (bytes.length + 1);
    socket.write(bytes.subarray(0, cut));
    setImmediate(() => (seed % 2 === 0 ? socket.write(bytes.subarray(cut)) : socket.end(bytes.subarray(cut))));
  });
  for (let started = 0; started < count; started += 20) {
    const codes = await Promise.all(Array.from({ length: 20 }, () => outcome(server.port)));
    for (const code of codes) assert.match(code, /^ssh\.(protocol|lost|unreachable)$/);
  }
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(strays, []);
}

const ident = Buffer.from("SSH-2.0-OpenSSH_9.9\r\n");
const lists = kexInit(sameLists("aes128-gcm@openssh.com,aes128-ctr", "hmac-sha2-256"));

test("Random bytes instead of an identification are an error.", limits, async () => {
  await assertAllFail(rounds(60, 20), (seed) => randomBytes(1 + ((seed * 131) % 3000), seed));
  await assertAllFail(rounds(40, 20), (seed) =>
    Buffer.concat([Buffer.from("SSH-2.0-"), randomBytes(1 + (seed % 300), seed)]),
  );
});

test("Random bytes after the identification are an error.", limits, async () => {
  await assertAllFail(rounds(60, 20), (seed) => Buffer.concat([ident, randomBytes(1 + ((seed * 37) % 2000), seed)]));
  // Well framed, and of any type.
  await assertAllFail(rounds(100, 20), (seed) =>
    Buffer.concat([ident, clearPacket(randomBytes(1 + (seed % 90), seed))]),
  );
});

test("Random bytes and messages in the middle of the key exchange are an error.", limits, async () => {
  const begin = Buffer.concat([ident, clearPacket(lists)]);
  await assertAllFail(rounds(40, 20), (seed) => Buffer.concat([begin, randomBytes(1 + ((seed * 37) % 500), seed)]));
  await assertAllFail(rounds(100, 20), (seed) => {
    const message = randomBytes(1 + ((seed * 17) % 200), seed);
    // Mostly the reply that is awaited, and what may come around it.
    message[0] = [31, 21, 20, 31, 33, 1, 4, 31][seed % 8] ?? 31;
    return Buffer.concat([begin, clearPacket(message)]);
  });
  await assertAllFail(rounds(40, 20), (seed) => {
    const turned = Buffer.from(lists);
    const at = 1 + ((seed * 53) % (turned.length - 1));
    turned[at] = (turned[at] ?? 0) ^ (1 << (seed % 8));
    return Buffer.concat([ident, clearPacket(turned), clearPacket(randomBytes(40, seed))]);
  });
});

/** Every number of a message that RFC 4250, section 4.1 knows, and some that it does not. */
const types = [1, 2, 3, 4, 5, 6, 7, 20, 21, 30, 31, 50, 51, 52, 53, 60, 61, 80, 81, 82, ...range(90, 100), 192, 255];

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

/** A message whose fields have the shape of fields, and any content. `id` is a number that the receiver may know. */
function nonsense(seed: number, id: Uint8Array): (number | Uint8Array)[] {
  const [type = 0, count = 0, ...choices] = randomBytes(9, seed);
  const fields = choices.slice(0, count % 6).map((choice, index) => {
    if (choice % 4 === 0) return id;
    if (choice % 4 === 1) return uint32([0, 1, 32_768, 0xffff_ffff][choice >> 6] ?? 0);
    if (choice % 4 === 2) return text(String.fromCharCode(...randomBytes(1 + (choice % 40), seed + index)));
    return randomBytes(1 + (choice % 20), seed + index);
  });
  return [types[type % types.length] ?? 0, ...fields];
}

test("Messages without sense at the login and on a channel end that channel or the session.", limits, async () => {
  let seed = 0;
  await using server = await hostileSsh({
    login(context, peer) {
      seed += 100;
      if (seed % 300 === 0) peer.send(...nonsense(seed, uint32(0)));
      context.accept();
      if (seed % 300 === 100) for (let index = 1; index < 5; index++) peer.send(...nonsense(seed + index, uint32(0)));
    },
    open(peer, accept) {
      const { channel, id } = accept();
      for (let index = 5; index < 12; index++) peer.send(...nonsense(seed + index, id));
      channel.end("done");
    },
  });
  for (let round = 0; round < rounds(10, 3); round++) {
    const codes = await Promise.all(Array.from({ length: 20 }, () => outcome(server.port, readChannel)));
    for (const code of codes) assert.match(code, /^(ready|ssh\.(protocol|lost|auth-failed)|target\.[a-z]+|cancelled)$/);
  }
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(strays, []);
});

/** Opens a channel and reads it to its end, for as long as a short patience lasts. */
async function readChannel(session: Session): Promise<void> {
  const impatience = new AbortController();
  const timer = setTimeout(() => impatience.abort(new PorthopError("cancelled", "it takes too long", { leg: 2 })), 200);
  try {
    const conn = await session.openChannel({ host: "a", port: 1 }, { host: "b", port: 2 }, impatience.signal);
    impatience.signal.addEventListener("abort", () => conn.abort(impatience.signal.reason));
    await conn.write(Buffer.from("hello"));
    while ((await conn.read()) !== undefined);
  } finally {
    clearTimeout(timer);
  }
}

test("A true conversation in which one byte is turned starts or fails, and never anything else.", limits, async () => {
  const upstream = await theServer();
  let seed = 0;
  await using proxy = await rawServer((socket) => {
    const turn = (seed++ * 29) % 1800;
    const server = createConnection({ host: upstream.host, port: upstream.port });
    server.on("error", () => {});
    socket.pipe(server);
    let at = 0;
    server.on("data", (chunk: Buffer) => {
      const place = turn - at;
      if (place >= 0 && place < chunk.length) chunk[place] = (chunk[place] ?? 0) ^ (1 + (seed % 255));
      at += chunk.length;
      socket.write(chunk);
    });
    server.on("close", () => socket.destroy());
    socket.on("close", () => server.destroy());
  });
  // A length that was turned into a larger one keeps the client waiting, as it does ssh, for this server never ends a
  // login that takes long.
  const attempt = () => outcome(proxy.port, undefined, AbortSignal.timeout(8000));
  const seen = new Map<string, number>();
  for (let round = 0; round < rounds(10, 3); round++) {
    for (const code of await Promise.all(Array.from({ length: 20 }, attempt))) {
      seen.set(code, (seen.get(code) ?? 0) + 1);
    }
  }
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(strays, []);
  for (const code of seen.keys()) assert.match(code, /^(ready|waiting|ssh\.(protocol|lost|auth-failed|unreachable))$/);
  assert.ok((seen.get("waiting") ?? 0) < 20, JSON.stringify([...seen]));
  assert.ok((seen.get("ssh.protocol") ?? 0) > rounds(20, 6), JSON.stringify([...seen]));
});
