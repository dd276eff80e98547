/**
 * The key exchange mlkem768x25519-sha256 (draft-ietf-sshm-mlkem-hybrid-kex): X25519 and ML-KEM-768 side by side. An
 * attacker who records the session today has to break both. K is the SHA-256 of both secrets, and is hashed as a
 * string.
 */
import { createHash, createPublicKey, diffieHellman, generateKeyPairSync, type KeyObject } from "node:crypto";
import type { KeyExchangeAddition } from "../ssh2/key-exchange.ts";
import type { Share } from "../ssh2/taken-exchange.ts";

export const mlkemExchange = "mlkem768x25519-sha256";

/** ML-KEM as in FIPS 203. @noble/post-quantum implements this interface. */
export interface KeyEncapsulation {
  keygen(): { readonly publicKey: Uint8Array; readonly secretKey: Uint8Array };
  decapsulate(cipherText: Uint8Array, secretKey: Uint8Array): Uint8Array;
}

/** The messages are those of curve25519-sha256 (RFC 8731) with longer strings. The hash is SHA-256 in both. */
export const mlkemAddition: KeyExchangeAddition = {
  standIn: "curve25519-sha256",
  // The library is loaded here and nowhere else, because few servers need ML-KEM.
  client: (exchange) => exchange.useShare(async () => new HybridClient(await load())),
};

export class HybridClient implements Share {
  /** The ML-KEM public key (1184 bytes), then the X25519 one (32). */
  readonly share: Buffer;
  readonly #kem: KeyEncapsulation;
  readonly #secretKey: Uint8Array;
  readonly #curveKey: KeyObject;

  constructor(kem: KeyEncapsulation, curve: { publicKey: KeyObject; privateKey: KeyObject } = newCurveKey()) {
    const { publicKey, secretKey } = kem.keygen();
    this.#kem = kem;
    this.#secretKey = secretKey;
    this.#curveKey = curve.privateKey;
    this.share = Buffer.concat([publicKey, curvePublicBytes(curve.publicKey)]);
  }

  /**
   * Computes K. `serverShare` is the ciphertext (1088 bytes) followed by the server's X25519 key (32 bytes). Throws
   * when the length is wrong or the X25519 key is invalid.
   */
  secret(serverShare: Buffer): Buffer {
    if (serverShare.length !== cipherTextBytes + curveBytes) {
      throw new Error(`the server's share has ${serverShare.length} bytes, not ${cipherTextBytes + curveBytes}`);
    }
    const postQuantum = this.#kem.decapsulate(serverShare.subarray(0, cipherTextBytes), this.#secretKey);
    const classical = curveSecret(this.#curveKey, serverShare.subarray(cipherTextBytes));
    return createHash("sha256").update(postQuantum).update(classical).digest();
  }
}

export const cipherTextBytes = 1088;
export const curveBytes = 32;

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

async function load(): Promise<KeyEncapsulation> {
  return (await import("@noble/post-quantum/ml-kem.js")).ml_kem768;
}
