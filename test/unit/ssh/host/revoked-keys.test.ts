import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { writeStrings } from "../../../../src/codec/ssh-string.ts";
import { refuseRevoked } from "../../../../src/ssh/host/revoked-keys.ts";
import { writeCertificate } from "../../../kit/certificate-blob.ts";
import { refusal } from "../../../kit/refusal.ts";
import { removeTemp, tempDirectory } from "../../../kit/temp.ts";

const folder = tempDirectory("revoked");
after(() => removeTemp(folder));
const bad = writeStrings("ssh-ed25519", Buffer.alloc(32, 1));
const good = writeStrings("ssh-ed25519", Buffer.alloc(32, 2));

function list(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

const lines = list("lines", `# retired\n\n  ssh-ed25519 ${bad.toString("base64")} old\r\n`);

test("A key in the list is refused with its line, another one is not.", async () => {
  await refuseRevoked(good, "vishnu", [lines]);
  const error = await refusal(refuseRevoked(bad, "vishnu", [lines]));
  assert.deepEqual([error.code, error.leg, error.exitCode], ["ssh.host-key-revoked", 2, 255]);
  assert.match(error.message, /^the host key of vishnu, SHA256:\S+, is in RevokedHostKeys: \S+lines:3$/);
});

test("A certificate of a revoked authority, or over a revoked key, is refused.", async () => {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const authority = writeStrings("ssh-ed25519", Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url"));
  const certificate = writeCertificate({ role: "host", authority, signWith: privateKey, principals: ["vishnu"] });
  await refuseRevoked(certificate, "vishnu", [lines]);
  const path = list("authority", `ssh-ed25519 ${authority.toString("base64")}\n`);
  const error = await refusal(refuseRevoked(certificate, "vishnu", [path]));
  assert.match(error.message, /^the authority of the host certificate of vishnu, SHA256:\S+, is in RevokedHostKeys/);
});

test("A certificate in the list revokes the key in it, and says so; a changed one lets nobody through.", async () => {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const authority = writeStrings("ssh-ed25519", Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url"));
  const made = (byte: number) =>
    writeCertificate({ publicKey: Buffer.alloc(32, byte), authority, signWith: privateKey, principals: ["anyone"] });
  const line = (blob: Buffer) => `ssh-ed25519-cert-v01@openssh.com ${blob.toString("base64")}\n`;
  const path = list("certificates", `${line(made(2))}${line(made(1))}`);
  const error = await refusal(refuseRevoked(bad, "vishnu", [path]));
  assert.match(error.message, /is in RevokedHostKeys: \S+certificates:2, in a certificate of it$/);
  const other = Buffer.from(made(2));
  other[60] = 0xff;
  const changed = await refusal(refuseRevoked(good, "vishnu", [list("changed", line(other))]));
  assert.equal(changed.code, "file.cannot-read");
  assert.match(changed.message, /changed: line 1: the signature of its certificate is wrong$/);
});

test("A line that cannot be read lets nobody through, and says which one it is.", async () => {
  const path = list("nonsense", `ssh-ed25519 ${bad.toString("base64")}\nnonsense\n`);
  const error = await refusal(refuseRevoked(good, "vishnu", [path]));
  assert.equal(error.code, "file.cannot-read");
  assert.match(error.message, /nonsense: line 2: it is not a public key$/);
  assert.equal((await refusal(refuseRevoked(bad, "vishnu", [path]))).code, "ssh.host-key-revoked");
});

test("Of several lists each counts, and one that cannot be read lets nobody through.", async () => {
  const others = list("others", `ssh-ed25519 ${writeStrings("ssh-ed25519", Buffer.alloc(32, 3)).toString("base64")}\n`);
  await refuseRevoked(good, "vishnu", [others, lines]);
  for (const paths of [
    [others, lines],
    [lines, others],
  ]) {
    const error = await refusal(refuseRevoked(bad, "vishnu", paths));
    assert.match(error.message, /is in RevokedHostKeys: \S+lines:3$/);
  }
  const missing = await refusal(refuseRevoked(good, "vishnu", [others, join(folder, "missing")]));
  assert.equal(missing.code, "file.cannot-read");
});

test("Without a list, and with none, nothing is refused.", async () => {
  await refuseRevoked(bad, "vishnu", undefined);
  await refuseRevoked(bad, "vishnu", ["NONE"]);
});

test("A list that cannot be read lets nobody through, and says why.", async () => {
  const missing = await refusal(refuseRevoked(good, "vishnu", [join(folder, "missing")]));
  assert.equal(missing.code, "file.cannot-read");
  assert.match(missing.message, /^cannot read RevokedHostKeys \S+missing: no such file or directory$/);
  const krl = await refusal(refuseRevoked(good, "vishnu", [list("krl", "SSHKRL\n\0\0\0\0\u0001")]));
  assert.match(krl.message, /it is a KRL, and porthop reads lists of public keys only$/);
});
