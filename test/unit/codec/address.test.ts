import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Address, formatAddress, formatHost, isLoopback, isUnix, plainHost } from "../../../src/codec/address.ts";
import { parseForwardSpec } from "../../../src/codec/words/forward-spec.ts";

const addresses: readonly (readonly [Address, string])[] = [
  [{ host: "127.0.0.1", port: 80 }, "127.0.0.1:80"],
  [{ host: "::1", port: 80 }, "[::1]:80"],
  [{ host: "fe80::1%eth0", port: 65535 }, "[fe80::1%eth0]:65535"],
  [{ host: "db.internal", port: 5432 }, "db.internal:5432"],
  [{ host: "*", port: 80 }, "*:80"],
  [{ host: "", port: 0 }, ":0"],
  [{ path: "/run/db.sock" }, "/run/db.sock"],
  [{ path: "" }, ""],
];

for (const [address, text] of addresses) {
  test(`${JSON.stringify(address)} is printed as "${text}".`, () => {
    assert.equal(formatAddress(address), text);
    assert.equal(isUnix(address), "path" in address);
  });
}

test("A host is put in brackets when a port could not be told from it.", () => {
  assert.equal(formatHost("::1"), "[::1]");
  assert.equal(formatHost("10.0.0.1"), "10.0.0.1");
  assert.equal(formatHost("vishnu"), "vishnu");
});

test("Any address that is printed is the same address when it is read again.", () => {
  const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain());
  fc.assert(
    fc.property(host, fc.integer({ min: 1, max: 65535 }), (host, port) => {
      const { connect } = parseForwardSpec("W", formatAddress({ host, port }));
      assert.deepEqual(connect, { host, port });
    }),
  );
});

test("An IPv4 address that the kernel wraps in IPv6 is brought out, and nothing else is touched.", () => {
  for (const [host, plain] of [
    ["::ffff:10.0.0.1", "10.0.0.1"],
    ["::FFFF:127.0.0.1", "127.0.0.1"],
    ["::ffff:300.0.0.1", "::ffff:300.0.0.1"],
    ["::ffff:0a00:0001", "::ffff:0a00:0001"],
    ["::1", "::1"],
    ["10.0.0.1", "10.0.0.1"],
    ["vishnu", "vishnu"],
    ["x::ffff:10.0.0.1", "x::ffff:10.0.0.1"],
  ] as const) {
    assert.equal(plainHost(host), plain);
  }
});

test("Loopback is all of 127.0.0.0/8, ::1 and localhost, and no name that looks like it.", () => {
  for (const host of ["127.0.0.1", "127.255.0.9", "::1", "localhost", "::ffff:127.0.0.1"]) {
    assert.equal(isLoopback(host), true, host);
  }
  for (const host of [
    "128.0.0.1",
    "10.127.0.1",
    "::2",
    "127.example.org",
    "localhost.evil.org",
    "127.0.0.1.evil.org",
    "*",
    "",
  ]) {
    assert.equal(isLoopback(host), false, host);
  }
});
