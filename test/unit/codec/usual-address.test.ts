import assert from "node:assert/strict";
import { isIP } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import { usualAddress } from "../../../src/codec/usual-address.ts";
import { rounds } from "../../kit/effort.ts";
import { assertFastOnLongText } from "../../kit/hostile-text.ts";

for (const [text, usual] of [
  ["127.0.0.1", "127.0.0.1"],
  ["127.1", "127.0.0.1"],
  ["10.1.258", "10.1.1.2"],
  ["0x7f.1", "127.0.0.1"],
  ["2130706433", "127.0.0.1"],
  ["010.1.1.1", "8.1.1.1"],
  ["127.000.000.001", "127.0.0.1"],
  ["0", "0.0.0.0"],
  ["2001:DB8:0:0::1", "2001:db8::1"],
  ["::1", "::1"],
  ["256.1.1.1", undefined],
  ["1.256.1", undefined],
  ["1.2.3.4.5", undefined],
  ["1.2.3.256", undefined],
  ["08.1.1.1", undefined],
  ["4294967296", undefined],
  ["fe80::1%eth0", undefined],
  ["::ffff:1.2.3.4", undefined],
  ["web", undefined],
  ["0xface.example", undefined],
  ["1.2.3.", undefined],
  ["", undefined],
] as const) {
  test(`${text} is ${usual ?? "left as it is"}.`, () => {
    assert.equal(usualAddress(text), usual);
  });
}

test("The usual form is an address, and its own usual form.", () => {
  const part = fc.oneof(
    fc.nat(70_000).map(String),
    fc.nat(300).map((value) => `0x${value.toString(16)}`),
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.ipV6(),
        fc.array(part, { minLength: 1, maxLength: 5 }).map((all) => all.join(".")),
      ),
      (text) => {
        const usual = usualAddress(text);
        if (usual === undefined) return;
        assert.notEqual(isIP(usual), 0);
        assert.equal(usualAddress(usual), usual);
      },
    ),
    { numRuns: rounds(1000) },
  );
  assertFastOnLongText(usualAddress, "0", "0x", ".", ":", "f");
});
