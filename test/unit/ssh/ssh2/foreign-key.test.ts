import assert from "node:assert/strict";
import { test } from "node:test";
import { readString, writeStrings } from "../../../../src/codec/ssh-string.ts";
import { loadSsh2 } from "../../../../src/ssh/loader.ts";
import { foreignKey, sendForeignKeys } from "../../../../src/ssh/ssh2/foreign-key.ts";
import type { ProtocolView, SignView } from "../../../../src/ssh/ssh2/view.ts";

const ssh2 = await loadSsh2();
const type = "sk-ssh-ed25519@openssh.com";
const blob = writeStrings(type, Buffer.alloc(32), "ssh:");

type AuthPk = ProtocolView["authPK"];

/** A protocol that has what it is given signed as ssh2 does; `sent` is what would be encrypted. */
function played(kexInit?: Buffer) {
  const calls: Parameters<AuthPk>[] = [];
  const sent: Uint8Array[] = [];
  const authPK: AuthPk = function authPk(this: unknown, ...words) {
    assert.equal(this, protocol);
    calls.push(words);
    // The session's identifier and the request are signed.
    words[3]?.(Buffer.concat([writeStrings("session"), Buffer.from("request")]), () => {});
  };
  const protocol = {
    authPK,
    _authsQueue: [] as string[],
    _packetRW: {
      // While keys are exchanged the packet is the payload alone.
      write: {
        allocStart: kexInit === undefined ? 5 : 0,
        alloc: (bytes: number) => Buffer.alloc(kexInit === undefined ? bytes + 9 : bytes),
        finalize: (packet: Uint8Array) => packet,
      },
    },
    _cipher: { outSeqno: 0, encrypt: (packet: Uint8Array) => void sent.push(packet) },
    _kexinit: kexInit,
    _queue: undefined as Uint8Array[] | undefined,
  };
  sendForeignKeys(protocol as Partial<ProtocolView> as ProtocolView);
  return { protocol, calls, sent };
}

function securityKey() {
  const key = foreignKey(ssh2, blob, type);
  assert.ok(key !== undefined);
  return key;
}

const signingWith =
  (signature: Buffer): SignView =>
  (_signed, answer) =>
    answer(signature);

test("ssh2 takes such a key for one that it has read itself.", () => {
  const key = securityKey();
  assert.equal(ssh2.utils.parseKey(key as unknown as string), key);
  assert.deepEqual([key.type, key.getPublicSSH()], [type, blob]);
});

test("It is offered under the name that it was made for, whatever its blob says.", () => {
  const certificate = writeStrings("ssh-rsa-cert-v01@openssh.com", "rest");
  const key = foreignKey(ssh2, certificate, "rsa-sha2-512-cert-v01@openssh.com");
  assert.deepEqual([key?.type, key?.getPublicSSH()], ["rsa-sha2-512-cert-v01@openssh.com", certificate]);
});

test("An ssh2 that cannot read an Ed25519 key has none.", () => {
  const utils = { ...ssh2.utils, parseKey: () => new Error("Unsupported key type") };
  assert.equal(foreignKey({ ...ssh2, utils } as typeof ssh2, blob, type), undefined);
});

test("The question whether it would do goes out with its own algorithm, and other keys as ever.", () => {
  const { protocol, calls, sent } = played();
  const key = securityKey();
  protocol.authPK("anna", key);
  const plain = {};
  const sign: SignView = () => {};
  protocol.authPK("anna", plain, "ssh-ed25519", sign);
  assert.deepEqual(
    calls.map(([user, offered, algorithm, signer]) => [user, offered === key, algorithm, signer === sign]),
    [
      ["anna", true, type, false],
      ["anna", false, "ssh-ed25519", true],
    ],
  );
  assert.equal(sent.length, 0, "what is sent is ssh2's");
});

test("The signature goes out as it was made, behind the request that ssh2 has written.", () => {
  const whole = Buffer.concat([writeStrings(type, "signature"), Buffer.from([1, 0, 0, 0, 7])]);
  const { protocol, sent } = played();
  protocol.authPK("anna", securityKey(), undefined, signingWith(whole));
  const [packet] = sent;
  assert.ok(packet !== undefined);
  const payload = Buffer.from(packet.subarray(5, packet.length - 4));
  assert.equal(payload.subarray(0, 7).toString(), "request");
  assert.deepEqual(readString(payload, 7)?.bytes, whole);
  assert.deepEqual(protocol._authsQueue, ["publickey"]);
});

test("What is signed is what ssh2 puts together, and the signer may take its time.", () => {
  const { protocol, sent } = played();
  let answer: ((signature: Buffer) => void) | undefined;
  protocol.authPK("anna", securityKey(), undefined, (signed, later) => {
    assert.deepEqual(signed, Buffer.concat([writeStrings("session"), Buffer.from("request")]));
    answer = later;
  });
  assert.deepEqual([sent.length, protocol._authsQueue], [0, []]);
  answer?.(Buffer.from("signature"));
  assert.deepEqual([sent.length, protocol._authsQueue], [1, ["publickey"]]);
});

test("While keys are exchanged it waits in ssh2's queue.", () => {
  const { protocol, sent } = played(Buffer.alloc(1));
  protocol.authPK("anna", securityKey(), undefined, signingWith(Buffer.from("x")));
  assert.equal(sent.length, 0);
  assert.equal(String(Buffer.from(protocol._queue?.[0] ?? []).subarray(0, 7)), "request");
});
