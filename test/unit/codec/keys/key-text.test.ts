import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parsePublicKey, recognizeKey } from "../../../../src/codec/keys/key-text.ts";
import { Malformed } from "../../../../src/codec/malformed.ts";
import { writeStrings } from "../../../../src/codec/ssh-string.ts";

const blob = writeStrings("ssh-ed25519", Buffer.alloc(32, 7));
const one = Buffer.from([0, 0, 0, 1]);

function pem(label: string, body: string): string {
  return `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`;
}

function openSsh(cipher: string, keys: Buffer = one, publicBlob: Buffer = blob): string {
  const bytes = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    writeStrings(cipher, cipher === "none" ? "none" : "bcrypt", ""),
    keys,
    writeStrings(publicBlob, "private"),
  ]);
  return pem("OPENSSH PRIVATE KEY", bytes.toString("base64").replace(/.{70}/g, "$&\n"));
}

test("An OpenSSH key shows its public part, and whether it is locked, without being opened", () => {
  assert.deepEqual(recognizeKey(openSsh("none")), { format: "openssh", locked: false, publicBlob: blob });
  assert.deepEqual(recognizeKey(openSsh("aes256-ctr")), { format: "openssh", locked: true, publicBlob: blob });
  assert.deepEqual(recognizeKey(openSsh("none").replaceAll("\n", "\r\n")).publicBlob, blob);
});

test("PEM and PKCS#8 keys are told apart, and locked ones from open ones", () => {
  const locked = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA";
  const table: [text: string, format: string, locked: boolean][] = [
    [pem("RSA PRIVATE KEY", "AAAA"), "pem", false],
    [pem("EC PRIVATE KEY", "AAAA"), "pem", false],
    [pem("RSA PRIVATE KEY", locked), "pem", true],
    [pem("PRIVATE KEY", "AAAA"), "pkcs8", false],
    [pem("ENCRYPTED PRIVATE KEY", "AAAA"), "pkcs8", true],
    [`Bag Attributes\n  x: y\n${pem("PRIVATE KEY", "AAAA")}`, "pkcs8", false],
  ];
  for (const [text, format, isLocked] of table) {
    assert.deepEqual(recognizeKey(text), { format, locked: isLocked, publicBlob: undefined }, text);
  }
});

test("A public key is recognised as what it is", () => {
  const line = `ssh-ed25519 ${blob.toString("base64")} me@here\n`;
  assert.deepEqual(recognizeKey(line), { format: "public", locked: false, publicBlob: blob });
  assert.deepEqual(parsePublicKey(line), blob);
  assert.equal(parsePublicKey(line.replace("ed25519", "rsa")), undefined);
  assert.equal(parsePublicKey(""), undefined);
});

test("What cannot be used says why", () => {
  const table: [text: string, reason: RegExp][] = [
    ["", /empty/],
    ["hello", /not a key in a known format/],
    ["PuTTY-User-Key-File-3: ssh-ed25519\n", /puttygen/],
    [pem("DSA PRIVATE KEY", "AAAA"), /DSA/],
    [pem("CERTIFICATE", "AAAA"), /"CERTIFICATE", not a private key/],
    [pem("OPENSSH PRIVATE KEY", "AAAA"), /damaged/],
    [openSsh("none", Buffer.from([0, 0, 0, 2])), /damaged/],
    [openSsh("none", one, Buffer.from("nonsense")), /damaged/],
    ["-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA", /damaged/],
  ];
  for (const [text, reason] of table) {
    assert.throws(
      () => recognizeKey(text),
      (error: unknown) => error instanceof Malformed && reason.test(error.message),
      text,
    );
  }
});

test("A key cut anywhere or with any byte changed is recognised or refused, and nothing else", () => {
  const whole = openSsh("none");
  fc.assert(
    fc.property(
      fc.nat(whole.length),
      fc.nat(whole.length),
      fc.string({ minLength: 0, maxLength: 3 }),
      (from, to, put) => {
        try {
          recognizeKey(whole.slice(0, from) + put + whole.slice(to));
        } catch (error) {
          assert.ok(error instanceof Malformed);
        }
      },
    ),
  );
});
