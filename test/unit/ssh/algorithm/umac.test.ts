import assert from "node:assert/strict";
import crypto, { createCipheriv, createHmac, randomBytes, randomInt } from "node:crypto";
import { test } from "node:test";
import { type MacModule, Umac, withUmac } from "../../../../src/ssh/algorithm/umac.ts";
import { rounds } from "../../../kit/effort.ts";

/** The key and the nonce of RFC 4418's test vectors. */
const key = Buffer.from("abcdefghijklmnop");
const nonce = Buffer.from("bcdefghi");

/** RFC 4418, appendix: UMAC-32, UMAC-64 and UMAC-96. */
const vectors: readonly (readonly [letters: string, times: number, ...tags: string[]])[] = [
  ["a", 0, "113145FB", "6E155FAD26900BE1", "32FEDB100C79AD58F07FF764"],
  ["a", 3, "3B91D102", "44B5CB542F220104", "185E4FE905CBA7BD85E4C2DC"],
  ["a", 2 ** 10, "599B350B", "26BF2F5D60118BD9", "7A54ABE04AF82D60FB298C3C"],
  ["a", 2 ** 15, "58DCF532", "27F8EF643B0D118D", "7B136BD911E4B734286EF2BE"],
  ["a", 2 ** 20, "DB6364D1", "A4477E87E9F55853", "F8ACFA3AC31CFEEA047F7B11"],
  ["abc", 1, "ABF3A3A0", "D4D7B9F6BD4FBFCF", "883C3D4B97A61976FFCF2323"],
  ["abc", 500, "ABEB3C8B", "D4CF26DDEFD5C01A", "8824A260C53C66A36C9260A6"],
];

function encipher(own: Buffer, block: Buffer): Buffer {
  return createCipheriv("aes-128-ecb", own, null).setAutoPadding(false).update(block);
}

/** What covers the hash for this nonce (sections 3.2.1 and 3.3), computed here once more. */
function padOf(eight: Buffer, tagBytes: number): Buffer {
  const own = encipher(key, Buffer.from([...new Array(15).fill(0), 1]));
  const count = Math.floor(16 / tagBytes);
  const even = Buffer.from(eight);
  const index = (even[7] ?? 0) % count;
  even[7] = (even[7] ?? 0) - index;
  return encipher(own, Buffer.concat([even, Buffer.alloc(8)])).subarray(index * tagBytes, (index + 1) * tagBytes);
}

function xor(one: Buffer, ...others: readonly Buffer[]): Buffer {
  return Buffer.from(one.map((byte, i) => others.reduce((all, other) => all ^ (other[i] ?? 0), byte)));
}

/** As for a packet with that sequence number. */
function tagOf(umac: Umac, sequence: number, pieces: readonly Uint8Array[]): Buffer {
  const number = Buffer.alloc(4);
  number.writeUInt32BE(sequence);
  umac.begin().update(number);
  for (const piece of pieces) umac.update(piece);
  return umac.digest();
}

for (const [letters, times, ...tags] of vectors) {
  test(`"${letters}" ${times} times has the tags of RFC 4418.`, () => {
    for (const tag of tags) {
      const tagBytes = tag.length / 2;
      const umac = new Umac(key, tagBytes);
      for (const sequence of [0, 1, 2, 3, 2 ** 32 - 1]) {
        const eight = Buffer.alloc(8);
        eight.writeUInt32BE(sequence, 4);
        const made = tagOf(umac, sequence, [Buffer.from(letters.repeat(times))]);
        const covered = xor(made, padOf(eight, tagBytes), padOf(nonce, tagBytes));
        assert.equal(covered.toString("hex").toUpperCase(), tag);
      }
    }
  });
}

test("However a packet is cut into pieces, and whatever came before, its tag is one.", () => {
  for (const tagBytes of [8, 16]) {
    const umac = new Umac(randomBytes(16), tagBytes);
    for (let round = 0; round < rounds(100, 20); round++) {
      const packet = randomBytes(randomInt(40_000));
      const sequence = randomInt(2 ** 32);
      const whole = tagOf(umac, sequence, [packet]);
      assert.equal(whole.length, tagBytes);
      const cut = randomInt(packet.length + 1);
      const pieces = [packet.subarray(0, cut), Buffer.alloc(0), packet.subarray(cut)];
      assert.deepEqual(tagOf(umac, sequence, pieces), whole);
      assert.notDeepEqual(tagOf(umac, (sequence ^ 1) >>> 0, pieces), whole);
      assert.notDeepEqual(tagOf(umac, sequence, [packet, Buffer.alloc(1)]), whole, "a zero more is another packet");
    }
  }
});

test("While ssh2 loads node:crypto has umac, and only then; other MACs stay as they are.", async () => {
  const module: MacModule = { createHmac };
  await withUmac(module, async () => {
    const packet = [Buffer.alloc(4), Buffer.from("packet")];
    const made = ["umac-64", "umac-128", "sha256"].map((name) => {
      const mac = module.createHmac(name, key);
      for (const piece of packet) mac.update(piece);
      return mac.digest();
    });
    const sha = createHmac("sha256", key).update(Buffer.concat(packet)).digest();
    const [short = Buffer.alloc(0), long = Buffer.alloc(0), other] = made;
    assert.deepEqual([short.length, long.length, other], [8, 16, sha]);
    const kept = module.createHmac("umac-64", key);
    assert.deepEqual(kept.update(Buffer.concat(packet)).digest(), short);
  });
  assert.equal(module.createHmac, createHmac);
  await assert.rejects(
    withUmac(module, () => Promise.reject(new Error("no"))),
    /^Error: no$/,
  );
  assert.equal(module.createHmac, createHmac, "also when ssh2 does not load");
  assert.throws(() => crypto.createHmac("umac-64", key));
});
