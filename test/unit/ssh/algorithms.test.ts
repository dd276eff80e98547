import assert from "node:assert/strict";
import { getCiphers } from "node:crypto";
import { createRequire } from "node:module";
import { test } from "node:test";
import { PorthopError } from "../../../src/errors.ts";
import { type AlgorithmWishes, sessionAlgorithms } from "../../../src/ssh/algorithms.ts";
import { currentRuntime } from "../../kit/runtime.ts";

/** ssh2's own lists, which its types do not show (ssh2 1.17.0, lib/protocol/constants.js). */
const supported = createRequire(import.meta.url)("ssh2/lib/protocol/constants.js") as Readonly<
  Record<"SUPPORTED_CIPHER" | "SUPPORTED_MAC" | "SUPPORTED_KEX" | "SUPPORTED_SERVER_HOST_KEY", readonly string[]>
>;

const gcm = ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com"];
const ctr = ["aes128-ctr", "aes192-ctr", "aes256-ctr"];
const chacha = "chacha20-poly1305@openssh.com";

function offered(wishes: AlgorithmWishes = {}) {
  const { cipher, hmac, kex, serverHostKey, compress } = sessionAlgorithms(wishes);
  return {
    cipher: cipher as readonly string[],
    hmac: hmac as readonly string[],
    kex: kex as readonly string[],
    hostKeys: serverHostKey as readonly string[],
    compress: compress as readonly string[],
  };
}

function refusal(wishes: AlgorithmWishes): PorthopError {
  try {
    sessionAlgorithms(wishes);
  } catch (error) {
    assert.ok(error instanceof PorthopError, String(error));
    return error;
  }
  throw new Error("it was taken");
}

test("ssh2 has every algorithm that is offered.", () => {
  const { cipher, hmac, kex, hostKeys } = offered();
  for (const [names, theirs] of [
    [cipher, supported.SUPPORTED_CIPHER],
    [hmac, supported.SUPPORTED_MAC],
    [kex, supported.SUPPORTED_KEX],
    [hostKeys, supported.SUPPORTED_SERVER_HOST_KEY],
  ] as const) {
    assert.ok(names.length > 0);
    for (const name of names) assert.ok(theirs.includes(name), name);
    assert.equal(new Set(names).size, names.length, "each once");
  }
});

test("Under Bun GCM is first and chacha20 is not offered, which it does not have.", {
  skip: currentRuntime !== "bun",
}, () => {
  assert.deepEqual(offered().cipher, [...gcm, ...ctr]);
});

if (currentRuntime === "deno") {
  test("Under Deno chacha20 is first and GCM, which is slow there, last; nistp521 does not work and is left out.", () => {
    assert.ok(getCiphers().includes("chacha20"));
    assert.deepEqual(offered().cipher, [chacha, ...ctr, ...gcm]);
    assert.equal(offered().kex.includes("ecdh-sha2-nistp521"), false);
  });
}

test("Key exchanges begin with curve25519, and the slow Diffie-Hellman groups come last, by size.", () => {
  const { kex } = offered();
  assert.deepEqual(kex.slice(0, 2), ["curve25519-sha256", "curve25519-sha256@libssh.org"]);
  assert.deepEqual(kex.slice(-3), [
    "diffie-hellman-group14-sha256",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group18-sha512",
  ]);
});

test("Nothing that is broken is offered: no CBC, no RC4, no MD5, no SHA-1 in a key exchange.", () => {
  const { cipher, hmac, kex } = offered();
  for (const name of [...cipher, ...hmac, ...kex])
    assert.doesNotMatch(name, /cbc|arcfour|md5|-96|group1-|sha1$(?<!hmac-sha1)/);
});

test("Those that are wished for are offered in that order and no others, blanks or not.", () => {
  const { cipher, hmac, kex } = offered({
    ciphers: "aes256-ctr,aes128-gcm@openssh.com",
    macs: " hmac-sha1 , hmac-sha2-256 ",
    kex: "curve25519-sha256",
  });
  assert.deepEqual(cipher, ["aes256-ctr", "aes128-gcm@openssh.com"]);
  assert.deepEqual(hmac, ["hmac-sha1", "hmac-sha2-256"]);
  assert.deepEqual(kex, ["curve25519-sha256"]);
});

for (const [wishes, message, has] of [
  [{ ciphers: "aes256-ctr,rot13" }, 'porthop has no cipher "rot13"', "aes128-gcm@openssh.com"],
  [{ ciphers: "" }, 'porthop has no cipher ""', "aes128-ctr"],
  [{ ciphers: "aes256-ctr," }, 'porthop has no cipher ""', "aes128-ctr"],
  [{ ciphers: "+aes256-ctr" }, 'porthop has no cipher "+aes256-ctr"', "aes128-ctr"],
  [{ ciphers: "aes256-cbc" }, 'porthop has no cipher "aes256-cbc"', "aes128-ctr"],
  [{ macs: "umac-64@openssh.com" }, 'porthop has no MAC "umac-64@openssh.com"', "hmac-sha2-256"],
  [{ kex: "mlkem768x25519-sha256" }, 'porthop has no key exchange "mlkem768x25519-sha256"', "curve25519-sha256"],
  [{ kex: "a\u001b[2Jb" }, 'porthop has no key exchange "a\\x1b[2Jb"', "curve25519-sha256"],
] as const) {
  test(`${JSON.stringify(wishes)} is an error that names all there are: ${message}.`, () => {
    const error = refusal(wishes);
    assert.deepEqual([error.code, error.exitCode, error.message], ["config.invalid", 1, message]);
    assert.ok(error.hint.startsWith("it has ") && error.hint.includes(has), error.hint);
  });
}

test("A name of a hundred thousand letters is cut where it is named.", () => {
  assert.ok(refusal({ ciphers: "x".repeat(100_000) }).message.length < 200);
});

test("The host key types that are known come first in their order, then all others once.", () => {
  const all = offered().hostKeys;
  assert.deepEqual(all.slice(0, 2), ["ssh-ed25519", "ecdsa-sha2-nistp256"]);
  const preferred = offered({ hostKeys: ["rsa-sha2-512", "ssh-rsa", "unknown-type"] }).hostKeys;
  assert.deepEqual(preferred.slice(0, 2), ["rsa-sha2-512", "ssh-rsa"]);
  assert.deepEqual(preferred.toSorted(), all.toSorted());
  assert.deepEqual(offered({ hostKeys: [] }).hostKeys, all);
});

test("Compression is offered only when it is wished for, and where the runtime can do it.", () => {
  assert.deepEqual(offered().compress, ["none"]);
  assert.deepEqual(offered({ compression: false }).compress, ["none"]);
  const wished = currentRuntime === "deno" ? ["none"] : ["zlib@openssh.com", "none"];
  assert.deepEqual(offered({ compression: true }).compress, wished);
});
