import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeOptions, numberOption, textOption, timeOption } from "../../../../src/codec/capture/pcapng-options.ts";
import { readOptions } from "../../../kit/wire-reader.ts";

test("Options are padded to four bytes, say their unpadded length, and are ended by 0/0", () => {
  const bytes = encodeOptions([textOption(1, "abcde"), undefined, { code: 9, value: Uint8Array.of(9) }]);
  assert.equal(Buffer.from(bytes).toString("hex"), "0100050061626364650000000900010009000000" + "00000000");
});

test("No options make no bytes, not even an end", () => {
  assert.equal(encodeOptions([]).length, 0);
  assert.equal(encodeOptions([undefined, textOption(1, undefined), numberOption(7, undefined)]).length, 0);
});

test("A counter has its low word first and a time its high word first", () => {
  const count = Buffer.from(numberOption(4, 2 ** 40 + 5)?.value ?? []);
  assert.equal(count.readBigUInt64LE(), 2n ** 40n + 5n);
  const time = Buffer.from(timeOption(2, (7n << 32n) | 9n).value);
  assert.deepEqual([time.readUInt32LE(0), time.readUInt32LE(4)], [7, 9]);
});

test("Text from the network is escaped and bounded", () => {
  const escaped = textOption(1, "target=\u001b]0;x\u0007\nnext");
  assert.equal(Buffer.from(escaped?.value ?? []).toString(), "target=\\x1b]0;x\\x07\\nnext");
  for (const endless of ["x".repeat(200_000), "€".repeat(200_000), "\u{1f600}".repeat(200_000)]) {
    const option = textOption(1, endless);
    assert.ok((option?.value.length ?? 0) > 1000);
    assert.equal(readOptions(Buffer.from(encodeOptions([option]))).length, 1);
  }
});

test("Any options are read back as they were", () => {
  const one = fc.record({ code: fc.integer({ min: 1, max: 0xffff }), value: fc.uint8Array({ maxLength: 40 }) });
  fc.assert(
    fc.property(fc.array(one, { minLength: 1, maxLength: 8 }), (options) => {
      const expected = options.map(({ code, value }) => [code, Buffer.from(value)]);
      assert.deepEqual(readOptions(Buffer.from(encodeOptions(options))), expected);
    }),
  );
});
