import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesOf, groupPrime, numberOf } from "../../../../src/codec/session/modular-power.ts";
import { checkGroup, diffieHellmanGroups, EphemeralKey } from "../../../../src/ssh/algorithm/diffie-hellman.ts";
import type { ExchangeView } from "../../../../src/ssh/ssh2/exchange-view.ts";
import { TakenExchange } from "../../../../src/ssh/ssh2/taken-exchange.ts";

const prime = primeOf(2048);

function primeOf(bits: number): bigint {
  const found = groupPrime(bits);
  assert.ok(found !== undefined);
  return found;
}

/** As in SSH, an mpint: a zero before a first byte of 0x80 and more. */
function mpint(number: bigint): Buffer {
  return Buffer.concat([Buffer.of(0), bytesOf(number)]);
}

/** What ssh2 has made of an exchange, before its first step. */
function made(name: string): ExchangeView {
  const exchange = { _dh: null, _public: null } as ExchangeView;
  diffieHellmanGroups.get(name)?.client?.(new TakenExchange(exchange));
  return exchange;
}

for (const bits of [1024, 2048, 3072, 4096, 6144, 8192]) {
  test(`Both sides come to the same secret in the group of ${bits} bits, and to another one each time.`, () => {
    const [ours, theirs] = [new EphemeralKey(primeOf(bits), 2n), new EphemeralKey(primeOf(bits), 2n)];
    const secret = ours.computeSecret(mpint(theirs.public));
    assert.deepEqual(theirs.computeSecret(mpint(ours.public)), secret);
    assert.notDeepEqual(ours.computeSecret(mpint(ours.public)), secret);
    assert.equal(numberOf(ours.getPrime()), primeOf(bits));
    assert.equal(numberOf(ours.getGenerator()), 2n);
    assert.equal(numberOf(ours.publicKey), ours.public);
  });
}

test("The private key is 512 bits of chance.", () => {
  const lengths = Array.from({ length: 5 }, () => new EphemeralKey(prime, 2n).getPrivateKey());
  assert.deepEqual(
    lengths.map((key) => key.length),
    [64, 64, 64, 64, 64],
  );
  assert.equal(new Set(lengths.map((key) => key.toString("hex"))).size, 5);
});

for (const [what, key] of [
  ["0", Buffer.alloc(1)],
  ["nothing", Buffer.alloc(0)],
  ["1", Buffer.of(1)],
  ["a power of 2, with one bit set", Buffer.of(0x40, 0, 0, 0)],
  ["7, with three bits set", Buffer.of(7)],
  ["p - 1", mpint(prime - 1n)],
  ["p", mpint(prime)],
  ["p + 15", mpint(prime + 15n)],
  ["a negative number", Buffer.of(0x8f, 0xff)],
] as const) {
  test(`A public key that is ${what} is refused, as OpenSSH refuses it.`, () => {
    assert.throws(() => new EphemeralKey(prime, 2n).computeSecret(key), /the server's public key is none/);
  });
}

for (const [what, group, message] of [
  ["2047 bits", [mpint((1n << 2046n) + 1n), Buffer.of(2)], /has 2047 bits, which is not 2048 to 8192/],
  ["8193 bits", [mpint((1n << 8192n) + 1n), Buffer.of(2)], /has 8193 bits, which is not 2048 to 8192/],
  ["as many as fit into a packet", [Buffer.alloc(30_000, 0x7f), Buffer.of(2)], /has 239999 bits, which is not/],
  ["none", [Buffer.alloc(0), Buffer.of(2)], /has 0 bits, which is not/],
] as const) {
  test(`A group of the server's with ${what} is refused.`, () => {
    assert.throws(
      () => checkGroup(group[0], group[1]),
      (error: Error & { level?: string }) => message.test(error.message) && error.level === "handshake",
    );
  });
}

for (const [what, group] of [
  ["an even prime", [mpint(prime + 1n), Buffer.of(2)]],
  ["a negative prime", [bytesOf(prime), Buffer.of(2)]],
  ["a negative generator", [mpint(prime), Buffer.of(0x82)]],
  ["0 as generator", [mpint(prime), Buffer.of(0)]],
  ["1 as generator", [mpint(prime), Buffer.of(1)]],
  ["p - 1 as generator", [mpint(prime), mpint(prime - 1n)]],
  ["p as generator", [mpint(prime), mpint(prime)]],
] as const) {
  test(`A group of the server's with ${what} is refused.`, () => {
    assert.throws(() => checkGroup(group[0], group[1]), /the server's Diffie-Hellman group is of no use/);
  });
}

test("A group that a server may choose is taken.", () => {
  assert.deepEqual(checkGroup(mpint(prime), Buffer.of(5)), [prime, 5n]);
  assert.deepEqual(checkGroup(mpint(primeOf(8192)), Buffer.of(2)), [primeOf(8192), 2n]);
});

test("An exchange over a fixed group makes its keys once.", () => {
  const exchange = made("diffie-hellman-group16-sha512");
  exchange.generateKeys();
  const { _dh: key, _public: share } = exchange;
  exchange.generateKeys();
  assert.equal(exchange._dh, key);
  assert.ok(key instanceof EphemeralKey);
  assert.deepEqual(share, bytesOf(key.public));
  assert.equal(numberOf(key.getPrime()), primeOf(4096));
});

test("A group exchange has no keys before the server has chosen, and none of a group that is refused.", () => {
  const exchange = made("diffie-hellman-group-exchange-sha256");
  exchange.generateKeys();
  assert.equal(exchange._dh, null);
  assert.throws(() => exchange.setDHParams?.(mpint(primeOf(1024)), Buffer.of(2)), /has 1024 bits/);
  exchange.generateKeys();
  assert.equal(exchange._dh, null);
  exchange.setDHParams?.(mpint(primeOf(3072)), Buffer.of(5));
  exchange.generateKeys();
  const key: unknown = exchange._dh;
  assert.ok(key instanceof EphemeralKey);
  assert.equal(numberOf(key.getPrime()), primeOf(3072));
  assert.deepEqual(key.getGenerator(), Buffer.of(5));
});
