/**
 * Diffie-Hellman over prime fields, in place of node:crypto's. Bun checks each prime, even one of an RFC, for 0.4 to 26
 * s, and the whole program stands still meanwhile; Deno checks for one second. A group that the server chooses (RFC
 * 4419) is checked as in OpenSSH.
 */
import { randomBytes } from "node:crypto";
import { bytesOf, groupPrime, modularPower, numberOf } from "../../codec/session/modular-power.ts";
import type { KeyExchangeAddition } from "../ssh2/key-exchange.ts";
import { type DiffieHellmanKeys, handshakeError, type TakenExchange } from "../ssh2/taken-exchange.ts";

/** Each name with the bits of its prime. The bits are undefined where the server chooses the group. */
const groups: readonly (readonly [name: string, bits: number | undefined])[] = [
  ["diffie-hellman-group-exchange-sha256", undefined],
  ["diffie-hellman-group14-sha256", 2048],
  ["diffie-hellman-group15-sha512", 3072],
  ["diffie-hellman-group16-sha512", 4096],
  ["diffie-hellman-group17-sha512", 6144],
  ["diffie-hellman-group18-sha512", 8192],
  ["diffie-hellman-group-exchange-sha1", undefined],
  ["diffie-hellman-group14-sha1", 2048],
  ["diffie-hellman-group1-sha1", 1024],
];

export const diffieHellmanGroups: ReadonlyMap<string, KeyExchangeAddition> = new Map(
  groups.map(([name, bits]) => {
    const change = (exchange: TakenExchange) => (bits === undefined ? takeGroup(exchange) : useGroup(exchange, bits));
    return [name, { client: change, server: change }] as const;
  }),
);

export class EphemeralKey implements DiffieHellmanKeys {
  readonly public: bigint;
  readonly #prime: bigint;
  readonly #generator: bigint;
  readonly #private: bigint;

  constructor(prime: bigint, generator: bigint) {
    this.#prime = prime;
    this.#generator = generator;
    this.#private = privateExponent();
    this.public = modularPower(generator, this.#private, prime);
    if (!isPublicKey(this.public, prime)) throw useless();
  }

  get publicKey(): Buffer {
    return bytesOf(this.public);
  }

  computeSecret(otherPublicKey: Uint8Array): Buffer {
    const other = numberOf(otherPublicKey);
    // A number with its highest bit set is negative (RFC 4251, section 5, mpint).
    if (((otherPublicKey[0] ?? 0) & 0x80) !== 0 || !isPublicKey(other, this.#prime)) {
      throw new Error("the server's public key is none");
    }
    const secret = modularPower(other, this.#private, this.#prime);
    // OpenSSH's kexdh.c accepts every result of a valid key. With a true prime the result is never 0 or 1. A server
    // that sends a false prime can cause such a result.
    if (secret < 2n) throw new Error("there is no secret in what the server sent");
    return bytesOf(secret);
  }

  getPrime(): Buffer {
    return bytesOf(this.#prime);
  }

  getGenerator(): Buffer {
    return bytesOf(this.#generator);
  }

  getPrivateKey(): Buffer {
    return bytesOf(this.#private);
  }
}

/**
 * As in kexgexc.c: 2048 to 8192 bits, and no test whether the number is prime. Numbers that can never work are refused
 * too.
 */
export function checkGroup(prime: Buffer, generator: Buffer): readonly [prime: bigint, generator: bigint] {
  const p = numberOf(prime);
  const g = numberOf(generator);
  const bits = p === 0n ? 0 : p.toString(2).length;
  if (bits < minBits || bits > maxBits) {
    const message = `the server's Diffie-Hellman group has ${bits} bits, which is not ${minBits} to ${maxBits}`;
    throw handshakeError(new Error(message));
  }
  const isNegative = (((prime[0] ?? 0) | (generator[0] ?? 0)) & 0x80) !== 0;
  if (isNegative || p % 2n === 0n || g < 2n || g > p - 2n) {
    throw useless();
  }
  return [p, g];
}

/** The limits of OpenSSH's dh.h, DH_GRP_MIN and DH_GRP_MAX (RFC 8270). */
const minBits = 2048;
const maxBits = 8192;

function useGroup(exchange: TakenExchange, bits: number): void {
  exchange.useKeys(() => {
    const prime = groupPrime(bits);
    return prime === undefined ? undefined : new EphemeralKey(prime, 2n);
  });
}

function takeGroup(exchange: TakenExchange): void {
  let group: readonly [prime: bigint, generator: bigint] | undefined;
  exchange.onGroup((prime, generator) => {
    group = checkGroup(prime, generator);
  });
  exchange.useKeys(() => (group === undefined ? undefined : new EphemeralKey(...group)));
}

/**
 * OpenSSH's dh.c, dh_gen_key, takes twice as many bits as the strength that the ciphers need. No cipher needs more than
 * 256 bits, so 512 bits are always enough. The top bit is set.
 */
function privateExponent(): bigint {
  return numberOf(randomBytes(64)) | (1n << 511n);
}

/** As dh.c, dh_pub_is_valid: 1 < key < prime - 1, and at least four bits set. */
function isPublicKey(key: bigint, prime: bigint): boolean {
  return key > 1n && key < prime - 1n && key.toString(2).replaceAll("0", "").length >= 4;
}

function useless(): Error {
  return handshakeError(new Error("the server's Diffie-Hellman group is of no use"));
}
