import assert from "node:assert/strict";
import { test } from "node:test";
import type { NegotiatedAlgorithms } from "ssh2";
import { givenUp, readableFirst, unreadableParts } from "../../../../src/ssh/algorithm/readable-algorithms.ts";

const hybrid = "mlkem768x25519-sha256";
const curve = "curve25519-sha256";

function agreed(kex: string, cipher = "aes128-gcm@openssh.com", mac = "", compress = "none"): NegotiatedAlgorithms {
  const way = { cipher, mac, compress, lang: "" };
  return { kex, serverHostKey: "ssh-ed25519", cs: way, sc: way } as NegotiatedAlgorithms;
}

test("What Wireshark decrypts comes first, each part in its order, and nothing is lost.", () => {
  assert.deepEqual(readableFirst([hybrid, "ecdh-sha2-nistp256", curve, "diffie-hellman-group14-sha256"]), [
    ...[curve, "diffie-hellman-group14-sha256"],
    ...[hybrid, "ecdh-sha2-nistp256"],
  ]);
  assert.deepEqual(readableFirst(["zlib@openssh.com", "none"]), ["none", "zlib@openssh.com"]);
  assert.deepEqual(readableFirst([hybrid]), [hybrid]);
});

test("What cannot be decrypted is named, each once, and no MAC.", () => {
  assert.deepEqual(unreadableParts(agreed(curve)), []);
  assert.deepEqual(unreadableParts(agreed(curve, "aes256-ctr", "hmac-sha2-256")), ["aes256-ctr"]);
  assert.deepEqual(unreadableParts(agreed(hybrid, "aes256-ctr", "umac-64-etm@openssh.com", "zlib@openssh.com")), [
    hybrid,
    "aes256-ctr",
    "zlib@openssh.com",
  ]);
  assert.deepEqual(unreadableParts(agreed(curve, "chacha20-poly1305@openssh.com")), ["chacha20-poly1305@openssh.com"]);
});

test("Given up is what the session would have had otherwise.", () => {
  assert.deepEqual(givenUp(agreed(curve), { kex: [hybrid, curve], compression: false }), ["post-quantum key exchange"]);
  assert.deepEqual(givenUp(agreed(curve), { kex: [curve, hybrid], compression: true }), ["compression"]);
  assert.deepEqual(givenUp(agreed(hybrid), { kex: [hybrid], compression: false }), []);
});
