import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ipBytes, ipText, isSameAddress } from "../../../src/codec/ip-bytes.ts";

const hexOf = (host: string) => {
  const bytes = ipBytes(host);
  return bytes && Buffer.from(bytes).toString("hex");
};

const known: readonly (readonly [string, string])[] = [
  ["0.0.0.0", "00000000"],
  ["192.0.2.255", "c00002ff"],
  ["::", "00000000000000000000000000000000"],
  ["::1", "00000000000000000000000000000001"],
  ["2001:db8::", "20010db8000000000000000000000000"],
  ["2001:db8::a:0:1", "20010db8000000000000000a00000001"],
  ["1:2:3:4:5:6:7:8", "00010002000300040005000600070008"],
  ["fe80::1%eth0.100", "fe800000000000000000000000000001"],
  ["fe80::1%eth0", "fe800000000000000000000000000001"],
  ["64:ff9b::192.0.2.33", "0064ff9b0000000000000000c0000221"],
  ["::ffff:127.0.0.1", "7f000001"],
  ["::ffff:7f00:1", "7f000001"],
  ["::FFFF:10.1.2.3", "0a010203"],
];
for (const [host, bytes] of known) {
  test(`${host} is ${bytes} in a packet`, () => assert.equal(hexOf(host), bytes));
}

for (const [bytes, text] of [
  ["7f000001", "127.0.0.1"],
  ["ffffffff", "255.255.255.255"],
  ["00000000000000000000000000000000", "::"],
  ["00000000000000000000000000000001", "::1"],
  ["20010db8000000000000000000000000", "2001:db8::"],
  ["20010db80000000000010000000000ab", "2001:db8::1:0:0:ab"],
  ["20010db8000000010001000100010001", "2001:db8:0:1:1:1:1:1"],
  ["00010002000300040005000600070008", "1:2:3:4:5:6:7:8"],
] as const) {
  test(`${bytes} is written ${text}`, () => assert.equal(ipText(Buffer.from(bytes, "hex")), text));
}

test("What is written of any address is read back as the same bytes", () => {
  // An IPv4 address inside IPv6 is read as IPv4.
  const bytes = fc
    .uint8Array({ minLength: 16, maxLength: 16 })
    .filter((all) => all.slice(0, 10).some((each) => each !== 0));
  fc.assert(fc.property(bytes, (all) => assert.deepEqual(ipBytes(ipText(all)), all)));
});

test("Names, brackets and nothing at all are no IP addresses", () => {
  for (const host of ["localhost", "[::1]", "", "1.2.3", "256.1.1.1", ":::", "1:2:3:4:5:6:7:8:9", "*"]) {
    assert.equal(ipBytes(host), undefined, JSON.stringify(host));
  }
});

test("Every address is 4 or 16 bytes, and no text makes it throw", () => {
  fc.assert(fc.property(fc.ipV4(), (host) => assert.equal(ipBytes(host)?.length, 4)));
  fc.assert(fc.property(fc.ipV6(), (host) => assert.ok([4, 16].includes(ipBytes(host)?.length ?? 0), host)));
  fc.assert(fc.property(fc.string(), (text) => void ipBytes(text)));
});

test("An address is the same whether zeros are written out or left out", () => {
  const groups = fc.array(fc.integer({ min: 1, max: 0xffff }), { minLength: 0, maxLength: 7 });
  fc.assert(
    fc.property(groups, fc.nat(7), (values, split) => {
      const before = values.slice(0, split).map((value) => value.toString(16));
      const after = values.slice(split).map((value) => value.toString(16));
      const zeros = Array.from({ length: 8 - values.length }, () => "0");
      const short = `${before.join(":")}::${after.join(":")}`;
      assert.deepEqual(ipBytes(short), ipBytes([...before, ...zeros, ...after].join(":")), short);
    }),
  );
});

test("Two spellings of one address are the same, and names are never", () => {
  assert.ok(isSameAddress("::1", "0:0:0:0:0:0:0:1"));
  assert.ok(isSameAddress("10.0.0.1", "::ffff:10.0.0.1"));
  for (const [one, other] of [
    ["127.0.0.1", "127.0.0.2"],
    ["127.0.0.1", "::1"],
    ["localhost", "127.0.0.1"],
    ["127.0.0.1", "localhost"],
    ["localhost", "localhost"],
  ] as const) {
    assert.equal(isSameAddress(one, other), false, `${one} ${other}`);
  }
});
