import assert from "node:assert/strict";
import { test } from "node:test";
import { writeStrings } from "../../../../src/codec/ssh-string.ts";
import { acceptedAlgorithm, rsaAlgorithm, signatureAlgorithm } from "../../../../src/ssh/login/accepted-algorithms.ts";

const cert = "-cert-v01@openssh.com";

for (const [type, accepted, server, expected] of [
  ["ssh-ed25519", ["ssh-ed25519"], undefined, "ssh-ed25519"],
  ["ssh-ed25519", ["rsa-sha2-512"], undefined, undefined],
  ["ssh-rsa", ["rsa-sha2-256", "rsa-sha2-512"], undefined, "rsa-sha2-256"],
  ["ssh-rsa", ["rsa-sha2-512", "rsa-sha2-256"], ["rsa-sha2-256"], "rsa-sha2-256"],
  ["ssh-rsa", ["rsa-sha2-512"], ["rsa-sha2-256"], undefined],
  ["ssh-rsa", [`rsa-sha2-512${cert}`], undefined, undefined],
  [`ssh-rsa${cert}`, ["rsa-sha2-512"], undefined, undefined],
  [`ssh-rsa${cert}`, [`rsa-sha2-512${cert}`], ["rsa-sha2-512"], `rsa-sha2-512${cert}`],
  [`ssh-rsa${cert}`, [`rsa-sha2-512${cert}`], ["ssh-rsa"], undefined],
  [`ssh-ed25519${cert}`, ["ssh-ed25519"], undefined, undefined],
] as const) {
  test(`A key of type ${type} among ${accepted.join()} is offered to a server with ${server ?? "no list"} as ${expected}.`, () => {
    assert.equal(acceptedAlgorithm(type, accepted, server), expected);
  });
}

test("RSA's algorithms are told apart by their hash, and no other key has any.", () => {
  assert.deepEqual(rsaAlgorithm(`rsa-sha2-256${cert}`), {
    offered: `rsa-sha2-256${cert}`,
    signature: "rsa-sha2-256",
    hash: "sha256",
  });
  assert.deepEqual(rsaAlgorithm("rsa-sha2-512"), {
    offered: "rsa-sha2-512",
    signature: "rsa-sha2-512",
    hash: "sha512",
  });
  assert.deepEqual(rsaAlgorithm("ssh-rsa"), { offered: "ssh-rsa", signature: "ssh-rsa", hash: undefined });
  for (const name of ["ssh-ed25519", ""]) assert.equal(rsaAlgorithm(name), undefined);
});

test("A signature begins with the name of its algorithm; of a damaged one nothing is known.", () => {
  assert.equal(signatureAlgorithm(writeStrings("rsa-sha2-512", Buffer.alloc(4))), "rsa-sha2-512");
  assert.equal(signatureAlgorithm(new Uint8Array([0, 0, 1])), "");
});
