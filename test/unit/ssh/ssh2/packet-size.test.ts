/** Packets larger than ssh2 takes by itself, with each kind of cipher, up to the size that OpenSSH takes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ServerConfig } from "ssh2";
import { Session } from "../../../../src/ssh/session.ts";
import { mostPacketBytes } from "../../../../src/ssh/ssh2/packet-size.ts";
import { sendPayload } from "../../../../src/ssh/ssh2/sending.ts";
import { ChannelPair } from "../../../kit/channel-pair.ts";
import { ssh2 } from "../../../kit/loaded-ssh2.ts";
import { type RawServer, rawServer } from "../../../kit/raw-server.ts";
import { refusal } from "../../../kit/refusal.ts";
import { notOnDeno } from "../../../kit/runtime.ts";
import { makeSshKey } from "../../../kit/ssh-server.ts";
import { clearPacket } from "../../../kit/ssh-stream.ts";
import { serverView } from "../../../kit/ssh2-server-view.ts";
import { tellingTo } from "../../../kit/telling.ts";
import { easyTrust } from "../../../kit/trust.ts";

const timeout = 30_000;
const never = new AbortController().signal;
const hostKey = makeSshKey().private;

/** In all of these the decoders of ssh2 differ in how they find a packet's length. */
const kinds: Readonly<Record<string, { readonly cipher: string; readonly mac?: string }>> = {
  "AES-GCM": { cipher: "aes128-gcm@openssh.com" },
  chacha20: { cipher: "chacha20-poly1305@openssh.com" },
  "CTR and a MAC": { cipher: "aes128-ctr", mac: "hmac-sha2-256" },
  "CTR and UMAC": { cipher: "aes192-ctr", mac: "umac-64@openssh.com" },
  "CTR and a MAC over the ciphertext": { cipher: "aes256-ctr", mac: "hmac-sha2-512-etm@openssh.com" },
  "CBC and a MAC": { cipher: "aes128-cbc", mac: "hmac-sha1" },
  "CBC and a MAC over the ciphertext": { cipher: "3des-cbc", mac: "hmac-sha2-256-etm@openssh.com" },
};

/** A server whose banner is this long. */
function startServer({ cipher, mac = "hmac-sha2-256" }: (typeof kinds)[string], bytes: number): Promise<RawServer> {
  const algorithms = { cipher: [cipher], hmac: [mac] } as NonNullable<ServerConfig["algorithms"]>;
  const banner = "0123456789".repeat(Math.ceil(bytes / 10)).slice(0, bytes);
  const server = new ssh2.Server({ hostKeys: [hostKey], algorithms, banner }, (connection) => {
    connection.on("error", () => {});
    connection.on("authentication", (context) => context.accept());
  });
  return rawServer((socket) => server.injectSocket(socket));
}

async function connect({ host, port }: RawServer, cipher?: string, mac?: string) {
  const banners: string[] = [];
  const telling = tellingTo();
  telling.bus.on("banner", ({ text }) => banners.push(text));
  const settings = {
    ...{ host, port, user: "anna", connectTimeoutMs: 10_000, handshakeTimeoutMs: 10_000 },
    ...{ attempts: 1, keepAliveIntervalMs: 0, keepAliveCountMax: 0 },
    algorithms: { ciphers: cipher, macs: mac, compression: false },
  };
  const session = await Session.connect(settings, { trust: async () => easyTrust(), ...telling }, never);
  return { session, banners };
}

for (const [name, kind] of Object.entries(kinds)) {
  test(`Packets of up to 256 KiB arrive whole, and a larger one is refused: ${name}.`, { timeout }, async () => {
    // ssh2's limit is 35,000, and 32,768 is what OpenSSH sends as a rule.
    for (const bytes of [10, 32_768, 33_800, 34_960, 34_990, 35_010, 100_000, mostPacketBytes - 100]) {
      await using server = await startServer(kind, bytes);
      const { session, banners } = await connect(server, kind.cipher, kind.mac);
      assert.deepEqual(
        banners.map(({ length }) => length),
        [bytes],
      );
      assert.ok(banners[0]?.startsWith("0123456789"));
      await session.close();
    }
    await using server = await startServer(kind, mostPacketBytes + 20);
    const error = await refusal(connect(server, kind.cipher, kind.mac));
    assert.equal(error.code, "ssh.protocol");
    assert.match(error.message, /arrived damaged: its length makes no sense$/);
  });
}

test("A compressed packet that becomes larger than 256 KiB ends the session, and one of 200 KiB does not.", {
  timeout,
  skip: notOnDeno("no zlib for ssh2"),
}, async () => {
  for (const [bytes, isTaken] of [
    [200_000, true],
    [300_000, false],
    [64 * 1024 * 1024, false],
  ] as const) {
    const lost: Error[] = [];
    await using pair = await ChannelPair.open({
      algorithms: { compress: ["zlib@openssh.com"] },
      attached: ({ client }) => void client.on("error", (error) => lost.push(error)),
    });
    const closed = new Promise((resolve) => pair.client.once("error", resolve));
    const content = Buffer.alloc(bytes);
    // SSH_MSG_IGNORE (RFC 4253, section 11.2).
    content[0] = 2;
    content.writeUInt32BE(bytes - 5, 1);
    sendPayload(serverView(pair.connection)._protocol, content);
    if (isTaken) await pair.ports.ping();
    else await closed;
    assert.deepEqual(
      lost.map((error) => error.message),
      isTaken ? [] : ["the server sent a message that makes no sense"],
    );
  }
});

test("Before the keys a packet may be as large, and no larger.", { timeout }, async () => {
  const goodbye = clearPacket(Buffer.from([1, 0, 0, 0, 2, 0, 0, 0, 3, ...Buffer.from("bye"), 0, 0, 0, 0]));
  for (const [bytes, expected] of [
    [200_000, /it said "bye"/],
    [mostPacketBytes - 100, /it said "bye"/],
    [mostPacketBytes + 1, /its length makes no sense/],
    [2 ** 31 - 9, /its length makes no sense/],
  ] as const) {
    await using server = await rawServer((socket) => {
      socket.resume();
      const content = Buffer.alloc(Math.min(bytes, mostPacketBytes + 1));
      // SSH_MSG_IGNORE (RFC 4253, section 11.2).
      content[0] = 2;
      content.writeUInt32BE(content.length - 5, 1);
      const packet = clearPacket(content);
      if (bytes > mostPacketBytes) packet.writeUInt32BE(bytes + 7 - ((bytes + 3) % 8), 0);
      socket.write(Buffer.concat([Buffer.from("SSH-2.0-x\r\n"), packet, goodbye]));
    });
    const error = await refusal(connect(server));
    assert.match(error.message, expected, `${bytes}`);
  }
});
