import assert from "node:assert/strict";
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { writeStrings } from "../../../../src/codec/ssh-string.ts";
import { loadIdentities } from "../../../../src/ssh/login/identity.ts";
import { writeCertificate } from "../../../kit/certificate-blob.ts";
import { makeHome } from "../../../kit/identity-home.ts";
import { makeSshKey } from "../../../kit/ssh-server.ts";
import { tempDirectory } from "../../../kit/temp.ts";

test("Files that are no usable key are left out with their reason", async () => {
  using home = makeHome();
  const write = (name: string, text: string) => {
    writeFileSync(home.path(name), text, { mode: 0o600 });
    return home.path(name);
  };
  mkdirSync(home.path("folder"));
  symlinkSync(home.path("loop"), home.path("loop"));
  const xmss = Buffer.concat([Buffer.from([0, 0, 0, 20]), Buffer.from("ssh-xmss@openssh.com"), Buffer.alloc(8)]);
  const table: [path: string, reason: string, text: RegExp][] = [
    [write("nonsense", "hello\u001b[2J"), "format", /not a key in a known format/],
    [write("empty", ""), "format", /empty/],
    [write("ppk", "PuTTY-User-Key-File-2: ssh-rsa\n"), "format", /puttygen/],
    [
      write("xmss.pub", `ssh-xmss@openssh.com ${xmss.toString("base64")} me\n`),
      "format",
      /ssh-xmss@openssh.com is not/,
    ],
    [home.path("folder"), "unreadable", /is a directory/],
    [home.path("loop"), "unreadable", /loop not accessible/],
    ["/dev/zero", "unreadable", /larger than/],
  ];
  for (const [path, reason, text] of table) {
    const { files, unusable } = await home.load([path]);
    assert.deepEqual([files.length, unusable[0]?.reason], [0, reason], path);
    assert.match(unusable[0]?.text ?? "", text);
    assert.equal(home.log.lines.at(-1), `warn ${unusable[0]?.text}`);
  }
  assert.ok(!home.log.text.includes("\u001b"));
});

test("A broken default file is no warning: nobody asked for it", async () => {
  using home = makeHome();
  writeFileSync(home.path("id_rsa"), "hello", { mode: 0o600 });
  assert.equal((await home.load()).unusable.length, 1);
  assert.match(home.log.text, /^debug /);
});

test("A certificate beside a key belongs to it, unless CertificateFile names one; what is none is passed over", async () => {
  using home = makeHome();
  const { text, blob, other } = certified();
  writeFileSync(home.path("key.pub"), `${text.plain}\n`);
  writeFileSync(home.path("key-cert.pub"), `${text.certificate} me\n`);
  writeFileSync(home.path("host-cert.pub"), `${text.host}\n`);
  writeFileSync(home.path("host.pub"), `${text.plain}\n`);
  const beside = await home.load([home.path("key"), home.path("host")]);
  assert.deepEqual(
    beside.certificates.map(({ label, file }) => [label.endsWith("key-cert.pub"), file === beside.files[0]]),
    [[true, true]],
  );
  assert.ok(beside.publicBlobs.some((each) => each.equals(blob)));
  assert.match(home.log.text, /^debug passing over \S+host-cert\.pub: it is a certificate for hosts/m);
  const files = { flagFiles: [home.path("key")], configFiles: [], usualFiles: [], certificateFiles: [other] };
  const settings = { ...files, home: home.path(".") };
  writeFileSync(other, text.certificate);
  const named = await loadIdentities(settings, home.log);
  assert.deepEqual(
    named.certificates.map(({ label, file }) => [label, file]),
    [[other, undefined]],
  );
  rmSync(other);
  const gone = await loadIdentities(settings, home.log);
  assert.deepEqual([gone.certificates, gone.unusable.map(({ reason }) => reason)], [[], ["unreadable"]]);
  assert.match(home.log.lines.at(-1) ?? "", /^warn cannot use the certificate \S+: no such file/);
});

test("A certificate in the .pub file stands for its key, and one of another key or for hosts does not", async () => {
  using home = makeHome();
  const { text, blob } = certified();
  const key = makeSshKey();
  writeFileSync(home.path("own"), key.private, { mode: 0o600 });
  writeFileSync(home.path("own.pub"), text.certificate);
  writeFileSync(home.path("gone.pub"), text.certificate);
  const pem = "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n";
  writeFileSync(home.path("pem"), pem, { mode: 0o600 });
  writeFileSync(home.path("pem.pub"), text.certificate);
  const { files, certificates } = await home.load([home.path("own"), home.path("pem"), home.path("gone")]);
  assert.deepEqual(
    files.map(({ label, isCertified }) => [label, isCertified]),
    [
      ["~/.ssh/own", false],
      ["~/.ssh/pem", true],
    ],
  );
  assert.deepEqual(
    certificates.map(({ label, file, blob: own }) => [label, file?.label, own.equals(blob)]),
    [
      ["~/.ssh/pem.pub", "~/.ssh/pem", true],
      ["~/.ssh/gone.pub", undefined, true],
    ],
  );
  writeFileSync(home.path("pem.pub"), text.host);
  assert.equal((await home.load([home.path("pem")])).files.length, 0);
});

function certified() {
  const publicKey = Buffer.alloc(32, 7);
  const line = (blob: Buffer) => `ssh-ed25519-cert-v01@openssh.com ${blob.toString("base64")}`;
  const blob = writeCertificate({ publicKey });
  const plain = writeStrings("ssh-ed25519", publicKey).toString("base64");
  const other = join(tempDirectory("certificate"), "other-cert.pub");
  const host = line(writeCertificate({ publicKey, role: "host" }));
  return { text: { plain: `ssh-ed25519 ${plain}`, certificate: line(blob), host }, blob, other };
}
