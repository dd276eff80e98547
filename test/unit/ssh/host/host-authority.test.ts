import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { writeStrings } from "../../../../src/codec/ssh-string.ts";
import { PorthopError } from "../../../../src/errors.ts";
import { authorityFlaw, readHostCertificate } from "../../../../src/ssh/host/host-authority.ts";
import { type CertificateFields, writeCertificate } from "../../../kit/certificate-blob.ts";

const { publicKey, privateKey } = generateKeyPairSync("ed25519");
const authority = writeStrings("ssh-ed25519", Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url"));
const trusted = [{ key: authority, where: "/known:1" }];

function flaw(fields: CertificateFields, authorities = trusted, signatures?: readonly string[]): string | undefined {
  const own = { role: "host", authority, signWith: privateKey, principals: ["vishnu"] } as const;
  const certificate = readHostCertificate(writeCertificate({ ...own, ...fields }), "vishnu");
  return authorityFlaw(certificate, authorities, "vishnu", signatures);
}

test("A certificate of a trusted authority for this host is believed.", () => {
  assert.equal(flaw({}), undefined);
  const other = { key: writeStrings("ssh-ed25519", Buffer.alloc(32)), where: "/known:2" };
  assert.equal(flaw({}, [other, ...trusted]), undefined);
});

test("Whatever is wrong with it is told, with the authority or the line that trusts another one.", () => {
  assert.equal(flaw({ principals: ["vish*"] }), undefined);
  assert.match(flaw({ principals: [] }) ?? "", /cannot be used: it names no hosts/);
  assert.match(flaw({ principals: ["brahma"] }) ?? "", /cannot be used: it is for brahma, not for vishnu$/);
  assert.match(flaw({ validBefore: 1n }) ?? "", /cannot be used: it expired on 1970-01-01T00:00:01Z$/);
  const stranger = generateKeyPairSync("ed25519").privateKey;
  assert.match(flaw({ signWith: stranger }) ?? "", /cannot be used: its signature is wrong/);
  assert.match(
    flaw({ authority: writeStrings("ssh-ed25519", Buffer.alloc(32)) }) ?? "",
    /another authority than \/known:1 trusts: SHA256:/,
  );
  assert.match(
    authorityFlaw(undefined, trusted, "vishnu") ?? "",
    /^\/known:1 trusts an authority for it, but it has no/,
  );
});

test("An authority's signature has to be one of those that are wanted.", () => {
  assert.equal(flaw({}, trusted, ["ssh-ed25519"]), undefined);
  assert.equal(
    flaw({}, trusted, ["rsa-sha2-512"]),
    "its certificate is signed with ssh-ed25519, which CASignatureAlgorithms leaves out",
  );
  assert.match(flaw({}, trusted, []) ?? "", /leaves out$/);
});

test("Names in a certificate are shown without control characters.", () => {
  assert.ok(!(flaw({ principals: ["\u001b[2J"] }) ?? "\u001b").includes("\u001b"));
});

test("A plain key is no certificate, and a damaged certificate is a broken protocol.", () => {
  assert.equal(readHostCertificate(authority, "vishnu"), undefined);
  const damaged = writeCertificate({ role: "host" }).subarray(0, 100);
  assert.throws(
    () => readHostCertificate(damaged, "vishnu"),
    (error) =>
      error instanceof PorthopError && error.code === "ssh.protocol" && error.message.includes("it is damaged"),
  );
});
