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

const lines = list("lines", `# retired\n\n  ssh-ed25519 ${bad.toString("base64")} old\r\nnonsense\n`);

test("A key in the list is refused with its line, another one is not.", async () => {
  await refuseRevoked(good, "vishnu", lines);
  const error = await refusal(refuseRevoked(bad, "vishnu", lines));
  assert.deepEqual([error.code, error.leg, error.exitCode], ["ssh.host-key-revoked", 2, 255]);
  assert.match(error.message, /^the host key of vishnu, SHA256:\S+, is in RevokedHostKeys: \S+lines:3$/);
});

test("A certificate of a revoked authority, or over a revoked key, is refused.", async () => {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const authority = writeStrings("ssh-ed25519", Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url"));
  const certificate = writeCertificate({ role: "host", authority, signWith: privateKey, principals: ["vishnu"] });
  await refuseRevoked(certificate, "vishnu", lines);
  const path = list("authority", `ssh-ed25519 ${authority.toString("base64")}\n`);
  const error = await refusal(refuseRevoked(certificate, "vishnu", path));
  assert.match(error.message, /^the authority of the host certificate of vishnu, SHA256:\S+, is in RevokedHostKeys/);
});

test("Without a list, and with none, nothing is refused.", async () => {
  await refuseRevoked(bad, "vishnu", undefined);
  await refuseRevoked(bad, "vishnu", "NONE");
});

test("A list that cannot be read lets nobody through, and says why.", async () => {
  const missing = await refusal(refuseRevoked(good, "vishnu", join(folder, "missing")));
  assert.equal(missing.code, "file.cannot-read");
  assert.match(missing.message, /^cannot read RevokedHostKeys \S+missing: no such file or directory$/);
  const krl = await refusal(refuseRevoked(good, "vishnu", list("krl", "SSHKRL\n\0\0\0\0\u0001")));
  assert.match(krl.message, /it is a KRL, and porthop reads lists of public keys only$/);
});
