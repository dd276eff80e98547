import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  hostCertificateFlaw,
  isAuthentic,
  isCertificateType,
  parseCertificate,
  plainKey,
  timeFlaw,
  timeText,
} from "../../../../src/codec/keys/certificate.ts";
import { fingerprint } from "../../../../src/codec/keys/fingerprint.ts";
import { Malformed } from "../../../../src/codec/malformed.ts";
import { writeStrings } from "../../../../src/codec/ssh-string.ts";
import { type CertificateFields, writeCertificate } from "../../../kit/certificate-blob.ts";

/** Made by `ssh-keygen -s ca -h -I host -n *.example,127.0.0.1 -V 20240102030405:20250102030405 -z 42`, OpenSSH 9.2, in UTC. */
const made = {
  blob: Buffer.from(
    [
      "AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAIGigwgFo0OQM5bkss+GPMtKi3BDKpM2xmcUqffdPFxAVAAAA",
      "IGLESsF0f6DjgZlqAC28l51HafATLvuuF0qiGK/wma8JAAAAAAAAACoAAAACAAAABGhvc3QAAAAaAAAACSouZXhhbXBsZQAAAAkx",
      "MjcuMC4wLjEAAAAAZZN9JQAAAABndgIlAAAAAAAAAAAAAAAAAAAAMwAAAAtzc2gtZWQyNTUxOQAAACDhOmi3aFtlXf6ZXAolpP9F",
      "VjY01ZM4jYA/rBWH1VbfugAAAFMAAAALc3NoLWVkMjU1MTkAAABAhVveywWBojiCX1FGn473QeIPk7h3mOAWTNJGkK1wQ95yQrnS",
      "Np1v5c0ZllFpsMwg3GRf5Pzj2Q8a88j94Q2/Dg==",
    ].join(""),
    "base64",
  ),
  key: "SHA256:0Fya97suJSyWI9DfMb+veWvFlq8Af1YPYVF/U0RMbO0",
  authority: "SHA256:KuOpahYtkun+O9KyeCLxmS9JrEyc8VDdIHV6j6rGsKo",
};

test("What ssh-keygen has signed is read and found right.", () => {
  const certificate = parseCertificate(made.blob);
  assert.deepEqual(
    {
      type: certificate.type,
      role: certificate.role,
      id: certificate.id,
      serial: certificate.serial,
      principals: certificate.principals,
      from: timeText(certificate.validAfter),
      until: timeText(certificate.validBefore),
      options: certificate.criticalOptions,
      key: fingerprint(certificate.key),
      authority: fingerprint(certificate.authority),
    },
    {
      type: "ssh-ed25519-cert-v01@openssh.com",
      role: "host",
      id: "host",
      serial: 42n,
      principals: ["*.example", "127.0.0.1"],
      from: "2024-01-02T03:04:05Z",
      until: "2025-01-02T03:04:05Z",
      options: [],
      key: made.key,
      authority: made.authority,
    },
  );
  assert.equal(isAuthentic(certificate), true);
  assert.equal(fingerprint(plainKey(made.blob)), made.key);
});

test("Each changed bit makes it damaged or not authentic.", () => {
  for (let at = 0; at < made.blob.length; at++) {
    const changed = Buffer.from(made.blob);
    changed[at] = (changed[at] ?? 0) ^ 0x10;
    assert.equal(isRight(changed), false, `byte ${at}`);
  }
});

test("What is cut anywhere, or goes on, is malformed.", () => {
  for (let length = 0; length < made.blob.length; length++) {
    assert.throws(() => parseCertificate(made.blob.subarray(0, length)), Malformed);
  }
  assert.throws(() => parseCertificate(Buffer.concat([made.blob, Buffer.from([0])])), /something follows/);
});

test("Random bytes behind a certificate's name are malformed and nothing worse.", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      const blob = Buffer.concat([writeStrings("ssh-rsa-cert-v01@openssh.com"), bytes]);
      assert.throws(() => parseCertificate(blob), Malformed);
    }),
  );
});

test("Fields come out as they went in, for all kinds of keys.", () => {
  const text = fc.stringMatching(/^[a-z0-9.*-]{1,20}$/);
  fc.assert(
    fc.property(
      fc.constantFrom("ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp384", "sk-ssh-ed25519", "sk-ecdsa-sha2-nistp256"),
      fc.constantFrom("user" as const, "host" as const),
      fc.array(text, { maxLength: 5 }),
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      fc.array(fc.tuple(text, text), { maxLength: 3 }),
      (stem, role, principals, serial, options) => {
        const criticalOptions = options.map(([name, value]) => ({ name, value }));
        const blob = writeCertificate({ stem, role, principals, serial, criticalOptions });
        const read = parseCertificate(blob);
        assert.deepEqual([read.role, read.principals, read.serial], [role, principals, serial]);
        assert.deepEqual(read.criticalOptions, criticalOptions);
        assert.equal(read.plainType, stem.startsWith("sk-") ? `${stem}@openssh.com` : stem);
      },
    ),
  );
});

test("It is valid from its first second to the one before its last.", () => {
  const certificate = parseCertificate(writeCertificate({ validAfter: 1000n, validBefore: 2000n }));
  const flaws = [999_999, 1_000_000, 1_999_999, 2_000_000].map((nowMs) => timeFlaw(certificate, nowMs));
  assert.deepEqual(flaws, [
    "it is not valid before 1970-01-01T00:16:40Z",
    undefined,
    undefined,
    "it expired on 1970-01-01T00:33:20Z",
  ]);
  assert.equal(timeText(2n ** 64n - 1n), "the end of time");
});

test("A host's certificate has to be for hosts, for this one, and without critical options.", () => {
  const flaw = (fields: CertificateFields) =>
    hostCertificateFlaw(parseCertificate(writeCertificate(fields)), "vishnu", Date.now());
  assert.equal(flaw({ role: "host", principals: ["brahma", "vishnu"] }), undefined);
  assert.equal(flaw({ role: "host", principals: [] }), "it names no hosts: ssh-keygen -s with -n");
  for (const pattern of ["*", "vi*", "?ishnu", "vishnu"]) {
    assert.equal(flaw({ role: "host", principals: ["brahma", pattern] }), undefined, pattern);
  }
  for (const pattern of ["*.example", "vishn", "VISHNU", "", "!*"]) {
    assert.equal(flaw({ role: "host", principals: [pattern] }), `it is for ${pattern}, not for vishnu`);
  }
  assert.equal(flaw({ role: "user", principals: ["vishnu"] }), "it is for users, not for hosts");
  const criticalOptions = [{ name: "force-command", value: "true" }];
  assert.match(flaw({ role: "host", principals: ["vishnu"], criticalOptions }) ?? "", /critical option force-command/);
});

test("No role, no chain, no end of entries: all malformed.", () => {
  assert.throws(() => parseCertificate(writeCertificate({ role: 3 })), /neither users nor hosts/);
  assert.throws(() => parseCertificate(writeCertificate({ authority: made.blob })), /its authority is a certificate/);
  const many = Array.from({ length: 257 }, (_each, index) => `host${index}`);
  assert.throws(() => parseCertificate(writeCertificate({ principals: many })), /too many entries/);
  assert.throws(() => parseCertificate(writeStrings("ssh-ed25519", "key")), /not a certificate/);
});

test("Only the kinds of certificates that there are have such names.", () => {
  const names = ["ssh-ed25519-cert-v01@openssh.com", "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com"];
  assert.deepEqual(names.map(isCertificateType), [true, true]);
  const others = [
    "ssh-ed25519",
    "ssh-dss-cert-v01@openssh.com",
    "-cert-v01@openssh.com",
    "ssh-ed25519-cert-v00@openssh.com",
  ];
  assert.deepEqual(others.map(isCertificateType), [false, false, false, false]);
});

function isRight(blob: Buffer): boolean {
  try {
    return isAuthentic(parseCertificate(blob));
  } catch (error) {
    assert.ok(error instanceof Malformed);
    return false;
  }
}
