import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { randomBytes, randomChunks, sha256, sumOf } from "../../kit/random.ts";

test("The same seed gives the same bytes, another seed others.", () => {
  assert.deepEqual(randomBytes(1000, 3), randomBytes(1000, 3));
  assert.notDeepEqual(randomBytes(1000, 3), randomBytes(1000, 4));
  assert.deepEqual(randomBytes(10, 3), randomBytes(1000, 3).subarray(0, 10));
});

test("They are the same on every runtime.", () => {
  assert.equal(Buffer.from(randomBytes(8, 1)).toString("hex"), "73d4b216244445ba");
});

test("They use all byte values about evenly.", () => {
  const counts = new Array<number>(256).fill(0);
  for (const byte of randomBytes(256_000)) counts[byte] = (counts[byte] ?? 0) + 1;
  assert.ok(Math.min(...counts) > 800 && Math.max(...counts) < 1200);
});

test("In chunks they are the same, whatever the chunk size.", () => {
  for (const chunkBytes of [1, 7, 1000, 65_536]) {
    const chunks = [...randomChunks(3001, 9, chunkBytes)];
    assert.deepEqual(new Uint8Array(Buffer.concat(chunks)), new Uint8Array(randomBytes(3001, 9)));
    assert.ok(chunks.every((chunk) => chunk.length <= chunkBytes));
  }
  assert.deepEqual([...randomChunks(0)], []);
});

test("A sum is the count and the hash of all chunks.", async () => {
  const hash = createHash("sha256").update(randomBytes(5000)).digest("hex");
  assert.deepEqual(await sumOf(randomChunks(5000, 1, 11)), { bytes: 5000, sha256: hash });
  assert.equal(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
});
