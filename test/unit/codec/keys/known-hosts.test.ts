import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import {
  formatKnownHost,
  type KnownHost,
  knownHostName,
  matchesHost,
  parseKnownHosts,
} from "../../../../src/codec/keys/known-hosts.ts";
import { Malformed } from "../../../../src/codec/malformed.ts";
import { writeStrings } from "../../../../src/codec/ssh-string.ts";
import { writeCertificate } from "../../../kit/certificate-blob.ts";

const blob = writeStrings("ssh-ed25519", Buffer.alloc(32, 7));
const base64 = blob.toString("base64");
const key = `ssh-ed25519 ${base64}`;

function only(text: string): KnownHost {
  const { entries, unreadable } = parseKnownHosts(text);
  assert.deepEqual(unreadable, []);
  const [entry] = entries;
  assert.ok(entry !== undefined && entries.length === 1);
  return entry;
}

test("A line has its hosts, its key and its marker, whatever blanks and comments stand around them", () => {
  const plain = only(`vishnu ${key}`);
  assert.deepEqual(plain, { line: 1, marker: undefined, hosts: "vishnu", type: "ssh-ed25519", blob, key: blob });
  assert.equal(only(`# a comment\n\n \t vishnu \t ${key} root@vishnu and more\r\n`).line, 3);
  assert.equal(only(`@revoked * ${key}`).marker, "revoked");
  assert.equal(only(`@cert-authority *.example ${key}`).marker, "cert-authority");
});

test("A line that names a certificate speaks of the key in it, and a damaged certificate makes a broken line", () => {
  const certificate = writeCertificate({ publicKey: Buffer.alloc(32, 7), role: "host" });
  const line = (bytes: Buffer) => `@revoked * ssh-ed25519-cert-v01@openssh.com ${bytes.toString("base64")}`;
  const entry = only(line(certificate));
  assert.deepEqual([entry.type, entry.blob, entry.key], ["ssh-ed25519-cert-v01@openssh.com", certificate, blob]);
  assert.deepEqual(parseKnownHosts(line(certificate.subarray(0, -2))).unreadable, [
    { line: 1, reason: "it is damaged" },
  ]);
});

test("A broken line is told with its number and hides no other", () => {
  const hash = Buffer.alloc(20).toString("base64");
  const broken = [
    "vishnu",
    "vishnu ssh-ed25519",
    "vishnu # ssh-ed25519",
    "vishnu ssh-ed25519 ###",
    "vishnu ssh-ed25519 AAAA",
    `vishnu ssh-rsa ${base64}`,
    `vishnu ssh-ed25519 ${base64.slice(0, -1)}`,
    "vishnu 1024 35 1234567890",
    `@stolen vishnu ${key}`,
    `@revoked @revoked vishnu ${key}`,
    "@revoked",
    `|1|${hash} ${key}`,
    `|2|${hash}|${hash} ${key}`,
    `|1|${hash}|AAAA ${key}`,
    `|1|${hash}|${hash},vishnu ${key}`,
  ];
  const { entries, unreadable } = parseKnownHosts([...broken, `vishnu ${key}`].join("\n"));
  assert.deepEqual(
    unreadable.map(({ line }) => line),
    broken.map((_, index) => index + 1),
  );
  assert.equal(entries.length, 1);
});

test("A host is looked up by its lower-case name, with the port when that is not 22", () => {
  assert.equal(knownHostName("Vishnu", 22), "vishnu");
  assert.equal(knownHostName("vishnu", 2222), "[vishnu]:2222");
  assert.equal(knownHostName("::1", 2222), "[::1]:2222");
});

test("Patterns, lists and exclusions select hosts", () => {
  const matches = (hosts: string, name: string) => matchesHost(only(`${hosts} ${key}`), name);
  assert.ok(matches("Vishnu,brahma", "vishnu"));
  assert.ok(matches("*.example", "a.example"));
  assert.ok(matches("[*.example]:2222", "[a.example]:2222"));
  assert.ok(!matches("*.example,!a.example", "a.example"));
  assert.ok(!matches("vishnu", "[vishnu]:2222"));
  assert.ok(!matches("vishnu", "vishn"));
});

test("A line made of a name and a key reads back as the same, plain or hashed", () => {
  const host = fc.stringMatching(/^[a-z0-9][a-z0-9.-]{0,30}$/);
  fc.assert(
    fc.property(host, fc.integer({ min: 1, max: 65535 }), fc.boolean(), (hostName, port, hashed) => {
      const name = knownHostName(hostName, port);
      const entry = only(formatKnownHost({ name, blob, salt: hashed ? randomBytes(20) : undefined }));
      assert.ok(matchesHost(entry, name));
      assert.ok(!matchesHost(entry, `${name}x`));
      assert.deepEqual(entry.blob, blob);
      assert.equal(entry.hosts.includes(hostName) && hashed && hostName.length > 3, false);
    }),
  );
});

test("A name that would speak of other hosts, or of another line, is not written plain", () => {
  for (const name of ["*", "a,b", "a b", "a\nb", "!a", "a?", "#a", "@revoked", "|1|a", "", "a\u0000"]) {
    assert.throws(() => formatKnownHost({ name, blob }), Malformed, JSON.stringify(name));
    assert.ok(only(formatKnownHost({ name, blob, salt: randomBytes(20) })));
  }
  assert.throws(() => formatKnownHost({ name: "vishnu", blob: Buffer.from("nonsense") }), Malformed);
});

test("Whatever text comes, each of its lines is an entry, unreadable, blank or a comment", () => {
  const piece = fc.constantFrom(
    "@revoked",
    "|1|",
    "*",
    "!",
    " ",
    "\t",
    "\n",
    "#",
    "ssh-ed25519",
    base64,
    "a",
    ",",
    "\r",
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(piece).map((pieces) => pieces.join("")),
      ),
      (text) => {
        const { entries, unreadable } = parseKnownHosts(text);
        const content = text.split("\n").filter((line) => /^[ \t]*[^ \t#]/.test(line.replace(/\r$/, "")));
        assert.equal(entries.length + unreadable.length, content.length);
        for (const entry of entries) matchesHost(entry, "a");
      },
    ),
  );
});
