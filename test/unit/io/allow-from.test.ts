import assert from "node:assert/strict";
import { test } from "node:test";
import type { Address } from "../../../src/codec/address.ts";
import { parseNetworks } from "../../../src/codec/cidr.ts";
import type { PorthopError } from "../../../src/errors.ts";
import type { Inbound } from "../../../src/flow/conn.ts";
import { AllowFrom } from "../../../src/io/allow-from.ts";

/** What became of a connection from each origin, and what was said. */
function admit(networks: string, origins: readonly Address[]) {
  const warnings: string[] = [];
  const refused: PorthopError[] = [];
  const gate = new AllowFrom(parseNetworks(networks), (text) => void warnings.push(text));
  const admitted = origins.map((origin) => {
    const leg = { from: origin, to: undefined, observed: true };
    const inbound: Inbound = {
      origin,
      leg,
      accept: () => assert.fail("nobody is answered here"),
      refuse: (error) => void refused.push(error),
    };
    return gate.admits(inbound);
  });
  return { admitted, refused, warnings };
}

const from = (host: string) => ({ host, port: 40_000 });

test("Who is listed passes, in silence; who is not is refused and named.", () => {
  const { admitted, refused, warnings } = admit("10.0.0.0/8,::1", [from("10.1.2.3"), from("::1"), from("11.0.0.1")]);
  assert.deepEqual(admitted, [true, true, false]);
  assert.deepEqual(
    refused.map(({ code, leg, message }) => [code, leg, message]),
    [["target.prohibited", 1, "11.0.0.1 may not connect"]],
  );
  assert.deepEqual(warnings, ["turned 11.0.0.1 away: it is not in --allow-from"]);
});

test("Loopback is not special.", () => {
  assert.deepEqual(admit("10.0.0.0/8", [from("127.0.0.1"), from("::1")]).admitted, [false, false]);
});

test("A unix socket has its own rights and is not concerned.", () => {
  assert.deepEqual(admit("10.0.0.0/8", [{ path: "/run/it.sock" }]).admitted, [true]);
});

test("Each address is named once, and of very many only the first hundred.", () => {
  const many = Array.from({ length: 1000 }, (_, index) => from(`192.0.${index >> 8}.${index & 255}`));
  const { admitted, refused, warnings } = admit("10.0.0.0/8", [...many, ...many]);
  assert.deepEqual([admitted.some(Boolean), refused.length], [false, 2000]);
  assert.equal(warnings.length, 101);
  assert.equal(warnings[99], "turned 192.0.0.99 away: it is not in --allow-from");
  assert.equal(warnings[100], "more addresses are turned away: they are not named any more");
});
