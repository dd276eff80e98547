import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCertificate } from "../../../../src/codec/keys/certificate.ts";
import { Malformed } from "../../../../src/codec/malformed.ts";
import { readUserCertificate, refusalHint } from "../../../../src/ssh/login/user-certificate.ts";
import { type CertificateFields, writeCertificate } from "../../../kit/certificate-blob.ts";

const hint = (fields: CertificateFields, user = "anna") =>
  refusalHint("~/id-cert.pub", parseCertificate(writeCertificate(fields)), user, 5_000_000);

test("Only certificates for users are any.", () => {
  const blob = writeCertificate({ role: "user" });
  assert.deepEqual(readUserCertificate("mine", blob).blob, blob);
  assert.throws(() => readUserCertificate("its", writeCertificate({ role: "host" })), /for hosts, not for users/);
  assert.throws(() => readUserCertificate("none", Buffer.from("nonsense")), Malformed);
});

test("What it says of a refusal is told: its time, its users, where it may be used.", () => {
  assert.match(hint({ validBefore: 4000n }), /^the certificate ~\/id-cert\.pub: it expired on 1970-01-01T01:06:40Z$/);
  assert.match(hint({ validAfter: 6000n }), /it is not valid before 1970-01-01T01:40:00Z$/);
  assert.match(hint({ principals: [] }), /names no users/);
  assert.match(hint({ principals: ["bob", "eve"] }), /it is for bob, eve, not for anna$/);
  const criticalOptions = [{ name: "source-address", value: "192.0.2.0/24" }];
  assert.match(hint({ principals: ["anna"], criticalOptions }), /it may be used from 192\.0\.2\.0\/24 only$/);
});

test("With nothing wrong in it, its authority is the suspect.", () => {
  const text = hint({ principals: ["anna"] });
  assert.match(text, /valid until the end of time for anna: the server may not trust its authority SHA256:\S+$/);
});

test("Names are cut and shown without control characters.", () => {
  const principals = ["\u001b[2J", ...Array.from({ length: 20 }, (_each, index) => `user${index}`)];
  const text = hint({ principals });
  assert.ok(!text.includes("\u001b"));
  assert.match(text, /user3 and 16 more, not for anna$/);
});
