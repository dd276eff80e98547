import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { curves, ecdsaFromDer, ecdsaToDer, verifySignature } from "../../../../src/codec/keys/ssh-signature.ts";
import { writeStrings } from "../../../../src/codec/ssh-string.ts";
import { makeSecurityKey } from "../../../kit/soft-agent.ts";

const data = Buffer.from("what is signed");

interface Signed {
  readonly name: string;
  readonly key: Buffer;
  readonly signature: Buffer;
}

const isDeno = "deno" in process.versions;

const cases: readonly Signed[] = [
  ed25519(),
  ...curves.filter(({ name }) => !(isDeno && name === "nistp521")).map(({ name }) => ecdsa(name)),
  rsa("rsa-sha2-256", "sha256"),
  rsa("rsa-sha2-512", "sha512"),
  security("sk-ssh-ed25519@openssh.com"),
  security("sk-ecdsa-sha2-nistp256@openssh.com"),
];

for (const { name, key, signature } of cases) {
  test(`A signature of ${name} is right for its key and data, and wrong for anything else.`, () => {
    assert.equal(verifySignature(key, data, signature), true);
    assert.equal(verifySignature(key, Buffer.from("something else"), signature), false);
    for (const other of cases.filter((each) => each.name !== name)) {
      assert.equal(verifySignature(other.key, data, signature), false, other.name);
      assert.equal(verifySignature(key, data, other.signature), false, other.name);
    }
    for (let length = 0; length < signature.length; length++) {
      assert.equal(verifySignature(key, data, signature.subarray(0, length)), false, `cut to ${length}`);
    }
    for (let length = 0; length < key.length; length++) {
      assert.equal(verifySignature(key.subarray(0, length), data, signature), false, `key cut to ${length}`);
    }
    assert.equal(verifySignature(key, data, Buffer.concat([signature, Buffer.from([0])])), false);
  });
}

test("RSA with SHA-1, and RSA keys that are too short, prove nothing.", () => {
  assert.equal(verifySignature(...signedBy(rsa("ssh-rsa", "sha1"))), false);
  assert.equal(verifySignature(...signedBy(rsa("rsa-sha2-512", "sha512", 768))), false);
});

test("A changed bit anywhere is a wrong signature and never an error.", () => {
  fc.assert(
    fc.property(fc.constantFrom(...cases), fc.nat(), fc.nat(7), fc.boolean(), ({ key, signature }, at, bit, inKey) => {
      const changed = Buffer.from(inKey ? key : signature);
      const index = at % changed.length;
      changed[index] = (changed[index] ?? 0) ^ (1 << bit);
      assert.equal(verifySignature(inKey ? changed : key, data, inKey ? signature : changed), false);
    }),
  );
});

test("ECDSA's numbers go from DER to SSH's form and back.", () => {
  for (let round = 0; round < 50; round++) {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-384" });
    const der = sign("sha384", data, privateKey);
    assert.deepEqual(ecdsaToDer(ecdsaFromDer(der)), der);
  }
  assert.equal(ecdsaToDer(Buffer.from("nonsense")), undefined);
});

function signedBy({ key, signature }: Signed): [Buffer, Buffer, Buffer] {
  return [key, data, signature];
}

function ed25519(): Signed {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const key = writeStrings("ssh-ed25519", field(publicKey, "x"));
  return { name: "ed25519", key, signature: writeStrings("ssh-ed25519", sign(null, data, privateKey)) };
}

function ecdsa(name: string): Signed {
  const curve = curves.find((each) => each.name === name);
  assert.ok(curve !== undefined);
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: curve.jwk });
  const point = Buffer.concat([Buffer.from([4]), field(publicKey, "x"), field(publicKey, "y")]);
  const signature = writeStrings(curve.type, ecdsaFromDer(sign(curve.hash, data, privateKey)));
  return { name, key: writeStrings(curve.type, curve.name, point), signature };
}

function rsa(algorithm: string, hash: string, modulusLength = 2048): Signed {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength });
  const n = Buffer.concat([Buffer.from([0]), field(publicKey, "n")]);
  const key = writeStrings("ssh-rsa", field(publicKey, "e"), n);
  return { name: algorithm, key, signature: writeStrings(algorithm, sign(hash, data, privateKey)) };
}

function security(type: Parameters<typeof makeSecurityKey>[0]): Signed {
  const key = makeSecurityKey(type);
  return { name: type, key: key.blob, signature: key.sign(data) };
}

function field(key: KeyObject, name: "x" | "y" | "e" | "n"): Buffer {
  return Buffer.from(key.export({ format: "jwk" })[name] ?? "", "base64url");
}
