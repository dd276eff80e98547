import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseRekeyLimit } from "../../../../src/codec/config/rekey-limit.ts";
import { Malformed } from "../../../../src/codec/malformed.ts";

for (const [text, bytes, intervalMs] of [
  ["default", 0, 0],
  ["default none", 0, 0],
  ["default 1h", 0, 3_600_000],
  ["0", 0, 0],
  ["16", 16, 0],
  ["+100", 100, 0],
  ["100k", 102_400, 0],
  ["1M 30s", 1_048_576, 30_000],
  ["1.5G 1m30s", 1_610_612_736, 90_000],
  ["500B none", 500, 0],
  ["1M 0", 1_048_576, 0],
  ["4E", 4 * 1024 ** 6, 0],
] as const) {
  test(`RekeyLimit ${text} is ${bytes} bytes and ${intervalMs} ms.`, () => {
    assert.deepEqual(parseRekeyLimit(text.split(" ")), { bytes, intervalMs });
  });
}

for (const text of [
  "",
  "15",
  "1x",
  "1 M",
  "soon",
  "1G soon",
  "1G 1h x",
  "-1",
  "+1",
  "++100",
  "8E",
  "none",
  "Default",
  "1e3",
  "1.2.3",
]) {
  test(`RekeyLimit ${JSON.stringify(text)} is refused, as by ssh.`, () => {
    assert.throws(
      () => parseRekeyLimit(text.split(" ")),
      (error) => error instanceof Malformed && error.message.includes("is not a number of bytes from 16 on"),
    );
  });
}

test("Any words are taken or refused.", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 20 }), { maxLength: 4 }), (words) => {
      try {
        const { bytes, intervalMs } = parseRekeyLimit(words);
        assert.ok(bytes >= 0 && bytes < 2 ** 63 && intervalMs >= 0 && Number.isSafeInteger(intervalMs));
      } catch (error) {
        assert.ok(error instanceof Malformed);
      }
    }),
  );
});
