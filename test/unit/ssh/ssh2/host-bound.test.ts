import assert from "node:assert/strict";
import { generateKeyPairSync, sign as signData } from "node:crypto";
import { test } from "node:test";
import { ecdsaFromDer } from "../../../../src/codec/keys/ssh-signature.ts";
import { readString, writeStrings } from "../../../../src/codec/ssh-string.ts";
import { loadSsh2 } from "../../../../src/ssh/loader.ts";
import { foreignKey } from "../../../../src/ssh/ssh2/foreign-key.ts";
import { signForHost } from "../../../../src/ssh/ssh2/host-bound.ts";
import type { ProtocolView, SignView } from "../../../../src/ssh/ssh2/view.ts";

type AuthPk = ProtocolView["authPK"];

/** What ssh2 has signed for a login (RFC 4252, section 7), and what porthop makes of it. */
function request(method: string, algorithm: string, ...more: readonly string[]): Buffer {
  const head = Buffer.concat([writeStrings("session"), Buffer.of(50), writeStrings("anna", "ssh-connection", method)]);
  return Buffer.concat([head, Buffer.of(1), writeStrings(algorithm, "blob", ...more)]);
}

function played(algorithm: string, host: string | undefined, method = "publickey") {
  const calls: Parameters<AuthPk>[] = [];
  const sent: Buffer[] = [];
  const authPK: AuthPk = (...words) => {
    calls.push(words);
    words[3]?.(request(method, algorithm), () => sent.push(Buffer.from("by ssh2")));
  };
  const protocol = {
    authPK,
    _authsQueue: [] as string[],
    _packetRW: {
      write: { allocStart: 0, alloc: (bytes: number) => Buffer.alloc(bytes), finalize: (packet: Uint8Array) => packet },
    },
    _cipher: { outSeqno: 0, encrypt: (packet: Uint8Array) => void sent.push(Buffer.from(packet)) },
    _kexinit: undefined,
  };
  signForHost(protocol as Partial<ProtocolView> as ProtocolView, () =>
    host === undefined ? undefined : Buffer.from(host),
  );
  return { protocol, calls, sent };
}

function signing(signature: Buffer, seen: Buffer[] = []): SignView {
  return (signed, answer) => {
    seen.push(signed);
    answer(signature);
  };
}

const bound = "publickey-hostbound-v00@openssh.com";

test("The signature covers the host key, and the request has the method's own name.", () => {
  const { protocol, sent } = played("ssh-ed25519", "host key");
  const seen: Buffer[] = [];
  protocol.authPK("anna", {}, "ssh-ed25519", signing(Buffer.from("signature"), seen));
  const whole = request(bound, "ssh-ed25519", "host key");
  assert.deepEqual(seen, [whole]);
  const payload = whole.subarray(readString(whole, 0)?.next);
  assert.deepEqual(sent, [Buffer.concat([payload, writeStrings(writeStrings("ssh-ed25519", "signature"))])]);
  assert.deepEqual(protocol._authsQueue, ["publickey"]);
});

test("An ECDSA signature goes out in SSH's form, from whatever form it comes in.", () => {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const der = signData("sha256", Buffer.from("data"), privateKey);
  const algorithm = "ecdsa-sha2-nistp256";
  const expected = writeStrings(writeStrings(algorithm, ecdsaFromDer(der)));
  for (const form of [der, ecdsaFromDer(der)]) {
    const { protocol, sent } = played(algorithm, "host key");
    protocol.authPK("anna", {}, algorithm, signing(form));
    assert.deepEqual(sent[0]?.subarray(-expected.length), expected);
  }
});

test("A signature that comes whole goes out as it is.", async () => {
  const type = "sk-ssh-ed25519@openssh.com";
  const key = foreignKey(await loadSsh2(), writeStrings(type, Buffer.alloc(32), "ssh:"), type);
  assert.ok(key !== undefined);
  const { protocol, sent } = played(type, "host key");
  const whole = Buffer.concat([writeStrings(type, "signature"), Buffer.from([1, 0, 0, 0, 7])]);
  protocol.authPK("anna", key, type, signing(whole));
  assert.deepEqual(sent[0]?.subarray(-whole.length), whole);
});

test("The question whether a key would do, and a server that does not know the method, are left to ssh2.", () => {
  const asking = played("ssh-ed25519", "host key");
  asking.protocol.authPK("anna", {}, "ssh-ed25519");
  const plain = played("ssh-ed25519", undefined);
  plain.protocol.authPK("anna", {}, "ssh-ed25519", signing(Buffer.from("signature")));
  assert.deepEqual([asking.calls.length, asking.sent.length], [1, 0]);
  assert.deepEqual(plain.sent.map(String), ["by ssh2"]);
});

test("What is no login by a public key is not signed.", () => {
  const { protocol } = played("ssh-ed25519", "host key", "hostbased");
  assert.throws(() => protocol.authPK("anna", {}, "ssh-ed25519", () => assert.fail("signed")), /something else/);
});
