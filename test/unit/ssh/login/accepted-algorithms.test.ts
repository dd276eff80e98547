import assert from "node:assert/strict";
import { test } from "node:test";
import { writeStrings } from "../../../../src/codec/ssh-string.ts";
import {
  acceptedAlgorithm,
  acceptedAlgorithms,
  authoritySignatures,
  rsaAlgorithm,
  signatureAlgorithm,
} from "../../../../src/ssh/login/accepted-algorithms.ts";

const cert = "-cert-v01@openssh.com";

test("Without a list anything may be offered.", () => {
  assert.equal(acceptedAlgorithms(undefined), undefined);
  assert.equal(authoritySignatures(undefined), undefined);
});

test("A list has its own order; one with + - or ^ starts from what ssh takes by itself.", () => {
  assert.deepEqual(acceptedAlgorithms("rsa-sha2-256,ssh-ed25519"), ["rsa-sha2-256", "ssh-ed25519"]);
  const less = acceptedAlgorithms("-ssh-ed25519") ?? [];
  assert.ok(less.includes("ecdsa-sha2-nistp256") && !less.includes("ssh-ed25519"));
  for (const old of ["ssh-rsa", "ssh-dss", `ssh-rsa${cert}`]) assert.equal(less.includes(old), false, old);
  assert.equal(acceptedAlgorithms("+ssh-rsa")?.at(-1), "ssh-rsa");
  assert.equal(acceptedAlgorithms("^rsa-sha2-256")?.[0], "rsa-sha2-256");
  assert.deepEqual(
    acceptedAlgorithms("*-cert-*")?.filter((name) => !name.includes("-cert-")),
    [],
  );
  assert.throws(() => acceptedAlgorithms("rot13"), /^Malformed: "rot13" is no public key algorithm that ssh knows/);
});

test("An authority signs with plain algorithms.", () => {
  assert.deepEqual(authoritySignatures(`ssh-ed25519,ssh-ed25519${cert}`), ["ssh-ed25519"]);
});

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
