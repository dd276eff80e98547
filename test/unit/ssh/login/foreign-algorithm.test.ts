import assert from "node:assert/strict";
import { test } from "node:test";
import {
  foreignAlgorithm,
  isOfSecurityKey,
  securityKey,
  wasTouched,
} from "../../../../src/ssh/login/foreign-algorithm.ts";
import { makeSecurityKey } from "../../../kit/soft-agent.ts";

const type = "sk-ssh-ed25519@openssh.com";

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

test("A security key is told by its type, and its certificate is none.", () => {
  for (const [name, isOne] of [
    [type, true],
    ["sk-ecdsa-sha2-nistp256@openssh.com", true],
    ["sk-ssh-ed25519-cert-v01@openssh.com", false],
    ["ssh-ed25519", false],
    [`${type}.example`, false],
    [`x${type}`, false],
  ] as const) {
    assert.equal(securityKey.test(name), isOne, name);
  }
});

test("Signatures are a security key's for its plain and its certified type, and say whether it was touched.", () => {
  for (const [name, isOne] of [
    [type, true],
    ["sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", true],
    ["ssh-rsa-cert-v01@openssh.com", false],
    ["ssh-ed25519", false],
  ] as const) {
    assert.equal(isOfSecurityKey(foreignAlgorithm(name, undefined)), isOne, name);
  }
  const signature = makeSecurityKey(type).sign(Buffer.from("data"));
  assert.equal(wasTouched(signature), true);
  signature[signature.length - 5] = 4;
  assert.equal(wasTouched(signature), false);
  assert.equal(wasTouched(new Uint8Array(0)), false);
});
