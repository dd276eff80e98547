import assert from "node:assert/strict";
import { test } from "node:test";
import { acceptedAlgorithms, authoritySignatures } from "../../../src/config/key-algorithms.ts";

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
