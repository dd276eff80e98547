/**
 * Packets that arrive with one bit turned, for each kind of cipher, at the login and in a session: in the length, in the
 * body and in the code behind it. The message says so, and has nothing of the runtime's own words.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ServerConfig } from "ssh2";
import type { PorthopError } from "../../../src/errors.ts";
import { Session } from "../../../src/ssh/session.ts";
import { type FlippingRelay, flippingRelay } from "../../kit/bit-flipping.ts";
import { ssh2 } from "../../kit/loaded-ssh2.ts";
import { type RawServer, rawServer } from "../../kit/raw-server.ts";
import { refusal } from "../../kit/refusal.ts";
import { notOnDeno, titled } from "../../kit/runtime.ts";
import { makeSshKey } from "../../kit/ssh-server.ts";
import { tellingTo } from "../../kit/telling.ts";
import { easyTrust } from "../../kit/trust.ts";

const never = new AbortController().signal;
const anywhere = { host: "db", port: 5432 };

interface Kind {
  readonly cipher: string;
  readonly mac?: string;
  readonly compression?: boolean;
}

const kinds: Readonly<Record<string, Kind>> = {
  "AES-GCM": { cipher: "aes128-gcm@openssh.com" },
  chacha20: { cipher: "chacha20-poly1305@openssh.com" },
  "CTR with a MAC": { cipher: "aes128-ctr", mac: "hmac-sha2-256" },
  "CTR with a MAC over the ciphertext": { cipher: "aes256-ctr", mac: "hmac-sha2-512-etm@openssh.com" },
  CBC: { cipher: "aes128-cbc", mac: "hmac-sha1" },
  compression: { cipher: "aes128-ctr", mac: "hmac-sha2-256", compression: true },
};

/** A server that lets everybody in and opens every channel. */
function startServer({ cipher, mac = "hmac-sha2-256", compression = false }: Kind): Promise<RawServer> {
  const compress = compression ? ["zlib@openssh.com"] : ["none"];
  const algorithms = { cipher: [cipher], hmac: [mac], compress } as NonNullable<ServerConfig["algorithms"]>;
  const server = new ssh2.Server({ hostKeys: [makeSshKey().private], algorithms }, (connection) => {
    connection.on("error", () => {});
    connection.on("authentication", (context) => context.accept());
    connection.on("tcpip", (accept) => void accept());
  });
  return rawServer((socket) => server.injectSocket(socket));
}

function connect({ host, port }: FlippingRelay, { cipher, mac, compression }: Kind): Promise<Session> {
  const settings = {
    ...{ host, port, user: "anna", connectTimeoutMs: 10_000, handshakeTimeoutMs: 10_000 },
    ...{ attempts: 1, keepAliveIntervalMs: 0, keepAliveCountMax: 0 },
    algorithms: { ciphers: cipher, macs: mac, compression },
  };
  return Session.connect(settings, { trust: async () => easyTrust(), ...tellingTo() }, never);
}

/** Opens one channel, to which the server answers with one packet. */
function ask(session: Session): Promise<unknown> {
  return session.openChannel(anywhere, anywhere, never);
}

/** How many bytes the server sends for the login, and for one answer in the session. */
async function measure(server: RawServer, kind: Kind): Promise<{ login: number; answer: number }> {
  await using relay = await flippingRelay(server);
  const session = await connect(relay, kind);
  const login = relay.passed;
  relay.from();
  await ask(session);
  const answer = relay.passed;
  await session.close();
  return { login, answer };
}

function assertDamaged({ code, leg, message, hint }: PorthopError, expected: { code: string; begins: string }): void {
  assert.deepEqual([code, leg], [expected.code, 2]);
  assert.ok(message.startsWith(expected.begins), message);
  assert.match(message, /arrived damaged: its (length makes no sense|authentication code is wrong)$/);
  assert.match(hint, /something on the way to the server changes the data/);
}

for (const [name, kind] of Object.entries(kinds)) {
  const skip = kind.compression === true && notOnDeno("no zlib for ssh2");
  test(titled(`A damaged packet is called damaged, at the login and later: ${name}.`, skip), {
    skip,
    timeout: 30_000,
  }, async () => {
    await using server = await startServer(kind);
    const { login, answer } = await measure(server, kind);
    for (const place of [0, 20, login - 1]) {
      await using relay = await flippingRelay(server, place);
      const where = `127.0.0.1:${relay.port}`;
      const error = await refusal(connect(relay, kind));
      assertDamaged(error, { code: "ssh.protocol", begins: `a packet from ${where} arrived` });
    }
    for (const place of [0, 20, answer - 1]) {
      await using relay = await flippingRelay(server);
      const where = `127.0.0.1:${relay.port}`;
      const session = await connect(relay, kind);
      relay.from();
      relay.flip(place);
      const asked = refusal(ask(session));
      const error = await session.lost;
      assertDamaged(error, { code: "ssh.lost", begins: `lost the session with ${where}: a packet from it` });
      assert.equal(await asked, error);
      await session.close();
    }
  });
}
