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

/** All that is known of a key but its text. */
function known(text: string) {
  const { block, ...rest } = recognizeKey(text);
  return rest;
}

test("An OpenSSH key shows its public part, and whether it is locked, without being opened", () => {
  assert.deepEqual(known(openSsh("none")), { format: "openssh", locked: false, publicBlob: blob });
  assert.deepEqual(known(openSsh("aes256-ctr")), { format: "openssh", locked: true, publicBlob: blob });
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
    [`${pem("EC PARAMETERS", "BggqhkjOPQMBBw==")}${pem("EC PRIVATE KEY", "AAAA")}`, "pem", false],
    [`${pem("CERTIFICATE", locked)}${pem("RSA PRIVATE KEY", "AAAA")}`, "pem", false],
  ];
  for (const [text, format, isLocked] of table) {
    assert.deepEqual(known(text), { format, locked: isLocked, publicBlob: undefined }, text);
  }
});

test("A public key is recognised as what it is", () => {
  const line = `ssh-ed25519 ${blob.toString("base64")} me@here\n`;
  assert.deepEqual(known(line), { format: "public", locked: false, publicBlob: blob });
  assert.deepEqual(parsePublicKey(line), blob);
  assert.equal(parsePublicKey(line.replace("ed25519", "rsa")), undefined);
  assert.equal(parsePublicKey(""), undefined);
});

test("Of a private key only its own lines are read, whatever stands around them", () => {
  const key = openSsh("none");
  const other = pem("RSA PRIVATE KEY", "BBBB");
  for (const text of [
    `${key}# my key\n`,
    `${key}my key`,
    `# my key\n\n${key}`,
    `\ufeff${key}`,
    `${key}${other}`,
    `${pem("CERTIFICATE", "AAAA")}${key}`,
    key.trimEnd(),
    key.replaceAll("\n", "\r\n"),
    key.replaceAll("\n", " \t\n"),
  ]) {
    assert.deepEqual([recognizeKey(text).block, recognizeKey(text).publicBlob], [key, blob], text);
  }
  assert.equal(recognizeKey(`${other}${key}`).block, other);
});

test("A file of BEGIN lines without an END is refused at once, and a key behind such lines is read", () => {
  const line = "-----BEGIN A-----\n";
  const key = openSsh("none");
  assert.equal(recognizeKey(`${line.repeat(3)}${key}`).block, key);
  // The time of the processor. As many bytes as a key file may have took more than a minute.
  const start = process.cpuUsage();
  assert.throws(() => recognizeKey(line.repeat(58_000)), /not a private key/);
  assert.ok(process.cpuUsage(start).user < 10_000_000);
});

test("A file of public keys gives the first that is one, and none that stands behind a private key", () => {
  const line = `ssh-ed25519 ${blob.toString("base64")} me@here`;
  for (const text of [`# my key\n\n${line}\n`, `  ${line}\r\n`, `\ufeff${line}`, `no key\n${line}`]) {
    assert.deepEqual(parsePublicKey(text), blob, text);
  }
  assert.equal(parsePublicKey(`${pem("PRIVATE KEY", "AAAA")}${line}\n`), undefined);
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
    ["-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", /damaged key: its END line is missing/],
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
