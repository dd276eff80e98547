/**
 * Key exchanges that post-quantum cryptography makes safe together with X25519: an attacker who records the session
 * today has to break both. mlkem768x25519-sha256 is in draft-ietf-sshm-mlkem-hybrid-kex, sntrup761x25519-sha512 in
 * draft-josefsson-ntruprime-ssh. K is the hash of both secrets, and is hashed as a string.
 */
import { createHash, createPublicKey, diffieHellman, generateKeyPairSync, type KeyObject } from "node:crypto";
import type { KeyExchangeAddition } from "../ssh2/key-exchange.ts";
import type { Share } from "../ssh2/taken-exchange.ts";

/** @noble/post-quantum implements this interface, and sntrup761.ts too. */
export interface KeyEncapsulation<Secret = Uint8Array> {
  keygen(): { readonly publicKey: Uint8Array; readonly secretKey: Secret };
  encapsulate(publicKey: Uint8Array): { readonly cipherText: Uint8Array; readonly sharedSecret: Uint8Array };
  decapsulate(cipherText: Uint8Array, secretKey: Secret): Uint8Array;
}

/** One kind of hybrid exchange, with its encapsulation. */
export interface Hybrid<Secret = Uint8Array> {
  readonly kem: KeyEncapsulation<Secret>;
  readonly hash: "sha256" | "sha512";
  readonly publicKeyBytes: number;
  readonly cipherTextBytes: number;
}

// The libraries are loaded when a server has agreed on the exchange, and not before.
export async function mlkemHybrid(): Promise<Hybrid> {
  const { ml_kem768: kem } = await import("@noble/post-quantum/ml-kem.js");
  return { kem, hash: "sha256", publicKeyBytes: 1184, cipherTextBytes: 1088 };
}

export async function sntrupHybrid(): Promise<Hybrid<unknown>> {
  const { sntrup761: kem } = await import("./sntrup761.ts");
  return { kem: kem as KeyEncapsulation<unknown>, hash: "sha512", publicKeyBytes: 1158, cipherTextBytes: 1039 };
}

/** By name, best first: the order of OpenSSH 10 (myproposal.h). */
export const hybridExchanges: ReadonlyMap<string, KeyExchangeAddition> = new Map([
  ["mlkem768x25519-sha256", addition(mlkemHybrid)],
  ["sntrup761x25519-sha512", addition(sntrupHybrid)],
  ["sntrup761x25519-sha512@openssh.com", addition(sntrupHybrid)],
]);

/** The messages are those of curve25519-sha256 (RFC 8731) with longer strings. */
function addition(load: () => Promise<Hybrid<unknown>>): KeyExchangeAddition {
  return {
    standIn: "curve25519-sha256",
    client: (exchange) =>
      exchange.useShare(async () => {
        const hybrid = await load();
        exchange.useHash(hybrid.hash);
        return new HybridClient(hybrid);
      }),
  };
}

export class HybridClient<Secret> implements Share {
  /** The public key of the encapsulation, then the X25519 one (32 bytes). */
  readonly share: Buffer;
  readonly #hybrid: Hybrid<Secret>;
  readonly #secretKey: Secret;
  readonly #curveKey: KeyObject;

  constructor(hybrid: Hybrid<Secret>, curve: { publicKey: KeyObject; privateKey: KeyObject } = newCurveKey()) {
    const { publicKey, secretKey } = hybrid.kem.keygen();
    this.#hybrid = hybrid;
    this.#secretKey = secretKey;
    this.#curveKey = curve.privateKey;
    this.share = Buffer.concat([publicKey, curvePublicBytes(curve.publicKey)]);
  }

  /**
   * Computes K. `serverShare` is the cipher text followed by the server's X25519 key. Throws when the length is wrong
   * or the X25519 key is invalid.
   */
  secret(serverShare: Buffer): Buffer {
    const { kem, hash, cipherTextBytes } = this.#hybrid;
    if (serverShare.length !== cipherTextBytes + curveBytes) {
      throw new Error(`the server's share has ${serverShare.length} bytes, not ${cipherTextBytes + curveBytes}`);
    }
    const postQuantum = kem.decapsulate(serverShare.subarray(0, cipherTextBytes), this.#secretKey);
    const classical = curveSecret(this.#curveKey, serverShare.subarray(cipherTextBytes));
    return createHash(hash).update(postQuantum).update(classical).digest();
  }
}

const curveBytes = 32;

export function newCurveKey(): { publicKey: KeyObject; privateKey: KeyObject } {
  return generateKeyPairSync("x25519");
}

export function curvePublicBytes(key: KeyObject): Buffer {
  return key.export({ type: "spki", format: "der" }).subarray(-curveBytes);
}

/** Throws where the secret would be zero (RFC 7748, section 6.1): such a public key is chosen to give the secret away. */
export function curveSecret(privateKey: KeyObject, otherPublicKey: Uint8Array): Buffer {
  const key = Buffer.concat([curveHeader, otherPublicKey]);
  return diffieHellman({ privateKey, publicKey: createPublicKey({ key, type: "spki", format: "der" }) });
}

/** SubjectPublicKeyInfo of id-X25519 (RFC 8410, section 4) up to the 32 bytes of the key. */
const curveHeader = Buffer.from("302a300506032b656e032100", "hex");
