import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import type { NegotiatedAlgorithms } from "ssh2";
import { Bus } from "../../../src/flow/bus.ts";
import type { Wire } from "../../../src/plugin.ts";
import { Session } from "../../../src/ssh/session.ts";
import { sessionLeg, tellKeys, tellReadable } from "../../../src/ssh/session-watch.ts";
import type { ExchangeKeys } from "../../../src/ssh/ssh2/exchange-keys.ts";
import type { Transport } from "../../../src/ssh/transport.ts";
import { startSshServer } from "../../kit/ssh-server.ts";
import { tellingTo, warningTo } from "../../kit/telling.ts";
import { easyTrust } from "../../kit/trust.ts";

const transport = (stream: PassThrough): Transport => ({
  stream,
  hop: 2,
  local: { host: "10.0.0.1", port: 33_450 },
  remote: { host: "10.0.0.2", port: 22 },
  observed: true,
  goneBy: () => undefined,
  release: async () => {},
});

test("Who watches leg 2 knows its id, its place and its ends before its first byte, and sees that one.", () => {
  const telling = tellingTo();
  const stream = new PassThrough();
  const seen: string[] = [];
  let known: Wire | undefined;
  telling.bus.on("wire", ({ viewFor }) => {
    known = viewFor("look");
    known.watch({
      opened: () => seen.push("opened"),
      bytes: (direction, chunk) => seen.push(`${direction} ${Buffer.from(chunk).toString()}`),
    });
  });
  sessionLeg(transport(stream), { id: "S7", host: "vishnu", port: 22, isJump: false }, telling);
  stream.emit("data", Buffer.from("SSH-2.0-x"));
  const { watch: _, ...facts } = known ?? assert.fail("nobody was told");
  assert.deepEqual(facts, {
    ...{ id: "S7", host: "vishnu", port: 22, hop: 2, strand: 1, observed: true },
    ...{ from: { host: "10.0.0.1", port: 33_450 }, to: { host: "10.0.0.2", port: 22 } },
  });
  assert.deepEqual(seen, ["opened", "down SSH-2.0-x"]);
});

test("While nobody asks for keys, none is even looked at; who asks gets two lines for each exchange.", () => {
  const bus = new Bus();
  const asked: ((keys: ExchangeKeys) => void)[] = [];
  const ports = { onKeyExchange: (told: (keys: ExchangeKeys) => void) => void asked.push(told) };
  tellKeys(ports, "S1", { bus });
  assert.equal(asked.length, 0);
  const lines: string[] = [];
  const leave = bus.on("keys", ({ session, line }) => void lines.push(`${session} ${line}`));
  tellKeys(ports, "S2", { bus });
  assert.equal(asked.length, 1);
  const keys = {
    name: "curve25519-sha256",
    cookie: new Uint8Array(16).fill(1),
    secret: Uint8Array.of(2),
    ephemeralKey: Uint8Array.of(3),
  };
  asked[0]?.(keys);
  const cookie = "01".repeat(16);
  assert.deepEqual(lines, [`S2 ${cookie} 03`, `S2 ${cookie} SHARED_SECRET 02`]);
  leave();
  tellKeys(ports, "S3", { bus });
  assert.equal(asked.length, 1);
});

test("A real session tells the lines of its first key exchange in the form of Wireshark's key log, before it stands.", {
  timeout: 30_000,
}, async () => {
  await using server = await startSshServer();
  const telling = tellingTo();
  const lines: string[] = [];
  telling.bus.on("keys", ({ session, line }) => {
    assert.equal(session, "S4");
    lines.push(line);
  });
  const settings = {
    ...{ host: server.host, port: server.port, user: "anna", isJump: false },
    ...{ connectTimeoutMs: 10_000, handshakeTimeoutMs: 10_000, attempts: 1 },
    ...{ keepAliveIntervalMs: 0, keepAliveCountMax: 0, algorithms: {} },
  };
  const context = { ...telling, id: "S4", trust: async () => easyTrust() };
  const session = await Session.connect(settings, context, new AbortController().signal);
  assert.match(session.facts.kex, /^curve25519/);
  assert.deepEqual([session.id, session.leg.session], ["S4", "S4"]);
  const [own = "", secret = "", ...more] = lines;
  assert.deepEqual(more, []);
  assert.match(own, /^[0-9a-f]{32} [0-9a-f]{64}$/);
  assert.match(secret, /^[0-9a-f]{32} SHARED_SECRET (00[89a-f])?[0-9a-f]{1,64}$/);
  assert.equal(own.slice(0, 32), secret.slice(0, 32));
  await session.close();
});

for (const [what, kex, wishes, asked, said] of [
  [
    "post-quantum key exchange is given up",
    "curve25519-sha256",
    {},
    true,
    [/^the session with vishnu .* no post-quantum key exchange$/],
  ],
  ["nothing is given up", "curve25519-sha256", { kex: "curve25519-sha256" }, true, []],
  [
    "the server takes nothing else",
    "mlkem768x25519-sha256",
    {},
    true,
    [/^vishnu agrees on mlkem768x25519-sha256 only: /],
  ],
  ["nobody asks for keys", "mlkem768x25519-sha256", {}, false, []],
] as const) {
  test(`What a readable recording costs is said where ${what}.`, () => {
    const lines: string[] = [];
    const telling = warningTo((text) => void lines.push(text));
    if (asked) telling.bus.on("keys", () => {});
    const way = { cipher: "aes128-gcm@openssh.com", mac: "", compress: "none", lang: "" };
    const agreed = { kex, serverHostKey: "ssh-ed25519", cs: way, sc: way } as NegotiatedAlgorithms;
    tellReadable(agreed, "vishnu", wishes, telling);
    assert.equal(lines.length, said.length, lines.join("; "));
    for (const [index, pattern] of said.entries()) assert.match(lines[index] ?? "", pattern);
  });
}
