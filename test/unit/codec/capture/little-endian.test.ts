import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { halvesOf, putU16, putU32 } from "../../../../src/codec/capture/little-endian.ts";

test("Numbers are written as a DataView would write them, and nothing beside them is touched", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffffffff }), (value) => {
      const bytes = new Uint8Array(8);
      putU32(bytes, 1, value);
      putU16(bytes, 5, value & 0xffff);
      const view = new DataView(bytes.buffer);
      assert.deepEqual([view.getUint32(1, true), view.getUint16(5, true)], [value, value & 0xffff]);
      assert.deepEqual([bytes[0], bytes[7]], [0, 0], "nothing beside them is touched");
    }),
  );
});

test("The two halves of a 64-bit number make it again", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (value) => {
      const { high, low } = halvesOf(value);
      assert.equal((BigInt(high) << 32n) | BigInt(low), value);
    }),
  );
});
