import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { addSum, checksumOf, foldSum, sumOf } from "../../../../src/codec/capture/checksum.ts";
import { naiveSum } from "../../../kit/wire-reader.ts";

test("The example of RFC 1071, section 3, has the sum that stands there", () => {
  const sum = sumOf(Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7));
  assert.equal(sum, 0xddf2);
  assert.equal(checksumOf(sum), 0x220d);
});

test("Any bytes, of any length and alignment, have the sum that a plain loop finds", () => {
  const slices = fc.tuple(fc.uint8Array({ maxLength: 2000, size: "max" }), fc.nat(9), fc.nat(9));
  fc.assert(
    fc.property(slices, ([bytes, before, after]) => {
      const slice = bytes.subarray(before, Math.max(before, bytes.length - after));
      assert.equal(sumOf(slice), naiveSum(slice));
    }),
    { numRuns: 500 },
  );
});

test("The sum is right at every length and offset where bytewise and wordwise summing meet", () => {
  const bytes = Uint8Array.from({ length: 260 }, (_, index) => (index * 151 + 77) & 0xff);
  for (let from = 0; from < 8; from += 1) {
    for (let to = from; to <= bytes.length; to += 1) {
      const slice = bytes.subarray(from, to);
      assert.equal(sumOf(slice), naiveSum(slice), `bytes ${from} to ${to}`);
    }
  }
});

test("No carry is lost when all words are as large as can be", () => {
  // The last two have an odd total above 2^53, which a double cannot hold.
  for (const length of [65_000, 65_001, 9_000_004, 9_000_007]) {
    const ones = new Uint8Array(length).fill(0xff);
    assert.equal(sumOf(ones), naiveSum(ones), `${length} bytes`);
  }
});

test("Zeros sum up to zero, and words that add up to 0xffff do not", () => {
  assert.equal(sumOf(new Uint8Array(500)), 0);
  assert.equal(sumOf(Uint8Array.of(0xff, 0xff)), 0xffff);
  assert.equal(foldSum(2 * 0xffff), 0xffff);
  assert.equal(checksumOf(0xffff), 0);
});

test("The sums of parts add up to that of the whole, whatever the parts' lengths", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 400, size: "max" }), { maxLength: 6 }), (parts) => {
      let sum = 0;
      let bytes = 0;
      for (const part of parts) {
        sum = addSum(sum, bytes, sumOf(part));
        bytes += part.length;
      }
      assert.equal(sum, naiveSum(Buffer.concat(parts)));
    }),
  );
});
