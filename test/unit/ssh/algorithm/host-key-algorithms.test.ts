import assert from "node:assert/strict";
import { test } from "node:test";
import { hostCertificateAlgorithms, hostKeyAlgorithms } from "../../../../src/ssh/algorithm/host-key-algorithms.ts";

test("Each algorithm with a plain key has its form with a certificate, in the same order.", () => {
  assert.deepEqual(hostCertificateAlgorithms, [
    "ssh-ed25519-cert-v01@openssh.com",
    "ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "ecdsa-sha2-nistp384-cert-v01@openssh.com",
    "ecdsa-sha2-nistp521-cert-v01@openssh.com",
    "rsa-sha2-512-cert-v01@openssh.com",
    "rsa-sha2-256-cert-v01@openssh.com",
  ]);
  assert.equal(hostKeyAlgorithms.length, hostCertificateAlgorithms.length);
  for (const [index, plain] of hostKeyAlgorithms.entries()) {
    assert.equal(hostCertificateAlgorithms[index], `${plain}-cert-v01@openssh.com`);
  }
});

test("No key is taken that signs with SHA-1.", () => {
  assert.ok(!hostKeyAlgorithms.includes("ssh-rsa") && !hostKeyAlgorithms.includes("ssh-dss"));
});
