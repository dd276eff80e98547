import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isWithin, parseNetwork, parseNetworks } from "../../../src/codec/cidr.ts";
import { ipBytes, ipText } from "../../../src/codec/ip-bytes.ts";
import { Malformed } from "../../../src/codec/malformed.ts";
import { assertFastOnLongText, hostileText, readOrRefused } from "../../kit/hostile-text.ts";

const members: readonly (readonly [networks: string, inside: readonly string[], outside: readonly string[]])[] = [
  ["10.0.0.0/8", ["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"], ["11.0.0.0", "9.255.255.255", "::a00:1"]],
  ["192.0.2.7", ["192.0.2.7", "::ffff:192.0.2.7"], ["192.0.2.6", "192.0.2.8"]],
  ["172.16.0.0/12", ["172.16.0.0", "172.31.255.255"], ["172.15.255.255", "172.32.0.0"]],
  ["0.0.0.0/0", ["0.0.0.0", "255.255.255.255", "::ffff:1.2.3.4"], ["::1", "fd00::1"]],
  ["::/0", ["::", "::1", "ffff::1"], ["127.0.0.1", "::ffff:127.0.0.1"]],
  ["::ffff:10.0.0.0/104", ["10.9.9.9", "::ffff:10.9.9.9"], ["11.0.0.1", "::1"]],
  ["::ffff:0.0.0.0/96", ["1.2.3.4"], ["::1"]],
  ["fd00::/8", ["fd00::1", "fdff::"], ["fc00::1", "fe00::1"]],
  ["[2001:db8::]/33", ["2001:db8:7fff::"], ["2001:db8:8000::"]],
  ["fe80::/10", ["fe80::1%eth0", "febf::1"], ["fec0::1"]],
  ["127.0.0.1, ::1", ["127.0.0.1", "::1"], ["127.0.0.2"]],
];

for (const [text, inside, outside] of members) {
  test(`${text} holds what it says, and no more.`, () => {
    const networks = parseNetworks(text);
    for (const host of inside) assert.equal(isWithin(host, networks), true, host);
    for (const host of [...outside, "", "localhost", "10.0.0", "*"])
      assert.equal(isWithin(host, networks), false, host);
  });
}

const refused: readonly (readonly [text: string, says: RegExp])[] = [
  ["", /"" is no network/],
  ["intranet", /"intranet" is no network/],
  ["10.0.0.0/8,", /"" is no network/],
  ["10.0.0/8", /"10\.0\.0\/8" is no network/],
  ["10.0.0.0/", /a number from 0 to 32/],
  ["10.0.0.0/33", /a number from 0 to 32/],
  ["10.0.0.0/8/8", /a number from 0 to 32/],
  ["10.0.0.0/-1", /a number from 0 to 32/],
  ["fd00::/129", /a number from 0 to 128/],
  ["::ffff:10.0.0.0/8", /a number from 96 to 128/],
  ["fe80::1%eth0", /is no network/],
  ["10.0.0.1/8", /has bits beyond its prefix: 10\.0\.0\.0\/8 or 10\.0\.0\.1 is meant/],
  ["fd00::1/8", /has bits beyond its prefix: fd00::\/8 or fd00::1 is meant/],
];

for (const [text, says] of refused) {
  test(`${JSON.stringify(text)} is refused, and it is said why.`, () => {
    assert.throws(
      () => parseNetworks(text),
      (error) => error instanceof Malformed && says.test(error.message),
    );
  });
}

const anyNetwork = fc.oneof(
  fc.tuple(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.nat(32)),
  fc.tuple(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.nat(128)),
);

test("An address with its prefix is read as that network, which holds its own first address.", () => {
  fc.assert(
    fc.property(anyNetwork, ([address, prefixBits]) => {
      const bytes = address.map((byte, index) => byte & (0xff00 >> Math.max(0, Math.min(8, prefixBits - 8 * index))));
      // IPv4 inside IPv6 is IPv4.
      fc.pre(bytes.length === 4 || ipBytes(ipText(bytes))?.length === 16);
      const network = { bytes: Uint8Array.from(bytes), prefixBits };
      assert.deepEqual(parseNetwork(`${ipText(bytes)}/${prefixBits}`), network);
      assert.equal(isWithin(ipText(network.bytes), [network]), true);
    }),
  );
});

test("An address is in a network exactly when their first bits are the same.", () => {
  const bits = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const ipv4 = fc.uint8Array({ minLength: 4, maxLength: 4 });
  fc.assert(
    fc.property(ipv4, ipv4, fc.nat(32), (one, other, prefixBits) => {
      const start = bits(one).slice(0, prefixBits).padEnd(32, "0");
      const bytes = Uint8Array.from([0, 8, 16, 24], (at) => Number.parseInt(start.slice(at, at + 8), 2));
      const isSame = bits(one).slice(0, prefixBits) === bits(other).slice(0, prefixBits);
      assert.equal(isWithin(ipText(other), [{ bytes, prefixBits }]), isSame);
    }),
  );
});

test("Any text is read or refused in words, and quickly.", () => {
  const pieces = ["10.0.0.0", "fd00::", "/", ",", "[", "]", "::ffff:", "%", "8"];
  fc.assert(fc.property(hostileText(...pieces), (text) => void readOrRefused(() => parseNetworks(text))));
  assertFastOnLongText(parseNetworks, ...pieces);
});
