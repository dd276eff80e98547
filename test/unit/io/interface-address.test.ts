import assert from "node:assert/strict";
import { test } from "node:test";
import { interfaceAddress } from "../../../src/io/interface-address.ts";

type Interfaces = NonNullable<Parameters<typeof interfaceAddress>[2]>;

function made(
  addresses: readonly (readonly [family: "IPv4" | "IPv6", address: string, internal?: boolean])[],
): Interfaces {
  return {
    eth0: addresses.map(([family, address, internal = false]) => {
      const same = { address, netmask: "", mac: "", internal, cidr: null };
      return family === "IPv4" ? { ...same, family } : { ...same, family, scopeid: 2 };
    }),
  };
}

test("An address of the family is taken, one that is for this link only when there is no other.", () => {
  const both = made([
    ["IPv6", "fe80::1"],
    ["IPv4", "10.0.0.7"],
    ["IPv6", "2001:db8::7"],
  ]);
  assert.equal(interfaceAddress("eth0", 4, both), "10.0.0.7");
  assert.equal(interfaceAddress("eth0", 6, both), "2001:db8::7");
  assert.equal(interfaceAddress("eth0", 6, made([["IPv6", "fe80::1"]])), "fe80::1%eth0");
  assert.equal(interfaceAddress("eth0", 4, made([["IPv4", "127.0.0.1", true]])), "127.0.0.1");
});

test("Without the interface, or without an address of the family, there is none.", () => {
  const interfaces = made([["IPv4", "10.0.0.7"]]);
  for (const name of ["eth1", "constructor", ""]) assert.equal(interfaceAddress(name, 4, interfaces), undefined);
  assert.equal(interfaceAddress("eth0", 6, interfaces), undefined);
});
