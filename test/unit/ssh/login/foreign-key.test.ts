import assert from "node:assert/strict";
import { test } from "node:test";
import type { Client } from "ssh2";
import { readString, writeStrings } from "../../../../src/codec/ssh-string.ts";
import { loadSsh2 } from "../../../../src/ssh/loader.ts";
import { foreignAlgorithm, foreignKey, sendForeignKeys } from "../../../../src/ssh/login/foreign-key.ts";

const ssh2 = await loadSsh2();
const type = "sk-ssh-ed25519@openssh.com";
const blob = writeStrings(type, Buffer.alloc(32), "ssh:");

type Answer = (signature: Buffer) => void;
type Sign = (signed: Buffer, answer: Answer) => void;

/** As ssh2's protocol looks from outside; `sent` is what would be encrypted. */
function played(changes: object = {}) {
  const calls: unknown[][] = [];
  const sent: Buffer[] = [];
  const protocol = {
    authPK: (...args: unknown[]) => {
      calls.push(args);
      // ssh2 has the session's identifier and the request signed.
      (args[3] as Sign | undefined)?.(Buffer.concat([writeStrings("session"), Buffer.from("request")]), () => {});
    },
    _authsQueue: [] as string[],
    _packetRW: {
      write: {
        allocStart: 5,
        alloc: (length: number) => Buffer.alloc(length + 9),
        finalize: (packet: Buffer) => packet,
      },
    },
    _cipher: { encrypt: (packet: Buffer) => void sent.push(packet) },
    _kexinit: undefined as Buffer | undefined,
    _queue: undefined as Buffer[] | undefined,
    ...changes,
  };
  return { protocol, calls, sent, client: { _protocol: protocol } as unknown as Client };
}

function securityKey() {
  const algorithm = foreignAlgorithm(type, undefined);
  assert.ok(algorithm !== undefined);
  const key = foreignKey(ssh2, blob, type, algorithm);
  assert.ok(key !== undefined);
  return key;
}

test("Each kind of key is offered and signed under the names that it has in SSH.", () => {
  const names = (kind: string, takes?: readonly string[]) => {
    const found = foreignAlgorithm(kind, takes);
    return found === undefined ? undefined : [found.offered, found.signature, found.hash];
  };
  for (const known of ["ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ssh-xmss@openssh.com", ""]) {
    assert.equal(names(known), undefined, known);
  }
  assert.deepEqual(names(type), [type, type, undefined]);
  const certificate = "ecdsa-sha2-nistp384-cert-v01@openssh.com";
  assert.deepEqual(names(certificate), [certificate, "ecdsa-sha2-nistp384", undefined]);
  const token = "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com";
  assert.deepEqual(names(token), [token, "sk-ecdsa-sha2-nistp256@openssh.com", undefined]);
  const rsa = (bits: 256 | 512) => [`rsa-sha2-${bits}-cert-v01@openssh.com`, `rsa-sha2-${bits}`, `sha${bits}`];
  const rsaType = "ssh-rsa-cert-v01@openssh.com";
  assert.deepEqual(names(rsaType), rsa(512));
  assert.deepEqual(names(rsaType, ["rsa-sha2-256", "rsa-sha2-512"]), rsa(512));
  assert.deepEqual(names(rsaType, ["ssh-ed25519", "rsa-sha2-256"]), rsa(256));
});

test("ssh2 takes such a key for one that it has read itself.", () => {
  const key = securityKey();
  const { utils } = ssh2;
  assert.equal(utils.parseKey(key as unknown as string), key);
  assert.deepEqual([key.type, key.getPublicSSH()], [type, blob]);
});

test("The question whether it would do goes out with its own algorithm, and other keys as ever.", () => {
  const { protocol, calls, client } = played();
  assert.equal(sendForeignKeys(client), true);
  const key = securityKey();
  protocol.authPK("anna", key, undefined);
  const plain = {};
  protocol.authPK("anna", plain, "ssh-ed25519", undefined);
  assert.deepEqual(
    calls.map(([user, offered, algorithm]) => [user, offered === key, algorithm]),
    [
      ["anna", true, type],
      ["anna", false, "ssh-ed25519"],
    ],
  );
});

test("The signature goes out as it was made, behind the request that ssh2 has written.", () => {
  const whole = Buffer.concat([writeStrings(type, "signature"), Buffer.from([1, 0, 0, 0, 7])]);
  const { protocol, sent, client } = played();
  sendForeignKeys(client);
  protocol.authPK("anna", securityKey(), undefined, (_signed: Buffer, answer: Answer) => answer(whole));
  const [packet] = sent;
  assert.ok(packet !== undefined);
  const payload = packet.subarray(5, packet.length - 4);
  assert.equal(payload.subarray(0, 7).toString(), "request");
  assert.deepEqual(readString(payload, 7)?.bytes, whole);
  assert.deepEqual(protocol._authsQueue, ["publickey"]);
});

test("While keys are exchanged it waits in ssh2's queue.", () => {
  const write = {
    allocStart: 5,
    alloc: (length: number) => Buffer.alloc(length),
    finalize: (packet: Buffer) => packet,
  };
  const { protocol, sent, client } = played({ _kexinit: Buffer.alloc(1), _packetRW: { write } });
  sendForeignKeys(client);
  protocol.authPK("anna", securityKey(), undefined, (_signed: Buffer, answer: Answer) => answer(Buffer.from("x")));
  assert.equal(sent.length, 0);
  assert.equal(protocol._queue?.[0]?.subarray(0, 7).toString(), "request");
});

test("An ssh2 that looks different is left as it is.", () => {
  for (const missing of ["authPK", "_authsQueue", "_packetRW", "_cipher"]) {
    const { protocol, client } = played({ [missing]: undefined });
    const { authPK } = protocol;
    assert.equal(sendForeignKeys(client), false, missing);
    assert.equal(protocol.authPK, authPK);
  }
  assert.equal(sendForeignKeys({} as Client), false);
});
