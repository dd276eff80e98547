/**
 * Public keys that ssh2 1.17.0 does not know, certificates and security keys: offered under their own names, and their
 * signatures sent as the signer made them. All that this needs of ssh2's insides is in this file; without it such keys
 * are left out with a word, and all others work.
 */
import type { Client, ParsedKey } from "ssh2";
import { isCertificateType } from "../../codec/keys/certificate.ts";
import { writeStrings } from "../../codec/ssh-string.ts";
import { flawOf } from "../algorithm/extension.ts";

/** Their name as an extension of ssh2. */
export const foreignKeys = "user certificates and security keys";

/** What a key is offered and signed with. */
export interface KeyAlgorithm {
  /** In the request: `rsa-sha2-512-cert-v01@openssh.com`. */
  readonly offered: string;
  /** In the signature: `rsa-sha2-512`. */
  readonly signature: string;
  /** For node:crypto; undefined where the key's type fixes it. */
  readonly hash: "sha256" | "sha512" | undefined;
}

/**
 * How a key of this type is offered; undefined for types that ssh2 knows, and for those that nobody here does. Only RSA has
 * a choice: the better hash that the server says it takes (RFC 8308, section 3.1; sshconnect2.c, key_sig_algorithm).
 */
export function foreignAlgorithm(type: string, serverTakes: readonly string[] | undefined): KeyAlgorithm | undefined {
  if (type === "ssh-rsa-cert-v01@openssh.com") {
    const onlySha256 = serverTakes?.includes("rsa-sha2-512") === false && serverTakes.includes("rsa-sha2-256");
    const bits = onlySha256 ? 256 : 512;
    const name = `rsa-sha2-${bits}`;
    return { offered: `${name}-cert-v01@openssh.com`, signature: name, hash: `sha${bits}` };
  }
  if (securityKey.test(type)) return { offered: type, signature: type, hash: undefined };
  if (!isCertificateType(type)) return undefined;
  const plain = type.replace(/-cert-v01@openssh\.com$/, "");
  return { offered: type, signature: plain.startsWith("sk-") ? `${plain}@openssh.com` : plain, hash: undefined };
}

/** `sk-ssh-ed25519@openssh.com`, `sk-ecdsa-sha2-nistp256@openssh.com`. */
export const securityKey = /^sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com$/;

const offeredAs = new WeakMap<object, string>();

/**
 * A key that ssh2 takes for one that it has read itself: it looks for a hidden mark, which is inherited here from a key
 * that it did read.
 */
export function foreignKey(
  ssh2: typeof import("ssh2"),
  blob: Buffer,
  type: string,
  algorithm: KeyAlgorithm,
): ParsedKey | undefined {
  const real = ssh2.utils.parseKey(writeStrings("ssh-ed25519", Buffer.alloc(32)));
  if (real instanceof Error) return undefined;
  const key = Object.create(real, {
    type: { value: type },
    getPublicSSH: { value: () => blob },
  }) as ParsedKey;
  offeredAs.set(key, algorithm.offered);
  return key;
}

/**
 * Lets this client send such keys; false when ssh2 looks different inside. Call it right after `client.connect`. A
 * signature that is answered for such a key is whole: `string algorithm`, `string bytes`, and what security keys add.
 */
export function sendForeignKeys(client: Client): boolean {
  const { _protocol: protocol } = client as unknown as { _protocol?: Partial<ProtocolInternals> };
  if (flawOf(foreignKeys) !== undefined || !isKnown(protocol)) return false;
  const authPK = protocol.authPK;
  protocol.authPK = function send(user, key, algorithm, sign) {
    const offered = offeredAs.get(key);
    if (offered === undefined) return authPK.call(protocol, user, key, algorithm, sign);
    if (sign === undefined) return authPK.call(protocol, user, key, offered);
    // ssh2 puts together what is to be signed, as it should; only its own way to send the signature is not taken.
    authPK.call(protocol, user, key, offered, (signed) =>
      sign(signed, (signature) => sendSigned(protocol, signed, signature)),
    );
  };
  return true;
}

/** RFC 4252, section 7: what was signed is the session's identifier and the request; the request goes out with the signature. */
function sendSigned(protocol: ProtocolInternals, signed: Buffer, signature: Buffer): void {
  const request = signed.subarray(4 + signed.readUInt32BE(0));
  const payload = Buffer.concat([request, writeStrings(signature)]);
  const { write } = protocol._packetRW;
  const packet = write.alloc(payload.length);
  // While a key exchange is under way, and with compression, the packet is the payload alone.
  packet.set(payload, packet.length === payload.length ? 0 : write.allocStart);
  protocol._authsQueue.push("publickey");
  const final = write.finalize(packet);
  // As sendPacket of lib/protocol/utils.js: a key exchange that is under way holds everything else back.
  if (protocol._kexinit === undefined) {
    protocol._cipher.encrypt(final);
    return;
  }
  protocol._queue ??= [];
  protocol._queue.push(final);
}

type Sign = (signed: Buffer, answer: (signature: Buffer) => void) => void;

/** What ssh2's types do not show (ssh2 1.17.0, lib/protocol/Protocol.js). */
interface ProtocolInternals {
  authPK(user: string, key: object, algorithm?: string | Sign, sign?: Sign): void;
  readonly _authsQueue: string[];
  readonly _packetRW: {
    readonly write: {
      readonly allocStart: number;
      alloc(length: number): Buffer;
      finalize(packet: Buffer): Buffer;
    };
  };
  readonly _cipher: { encrypt(packet: Buffer): void };
  /** Set while a key exchange is under way. */
  readonly _kexinit: Buffer | undefined;
  _queue: Buffer[] | undefined;
}

function isKnown(protocol: Partial<ProtocolInternals> | undefined): protocol is ProtocolInternals {
  const write = protocol?._packetRW?.write;
  return (
    protocol !== undefined &&
    typeof protocol.authPK === "function" &&
    Array.isArray(protocol._authsQueue) &&
    typeof write?.allocStart === "number" &&
    typeof write.alloc === "function" &&
    typeof write.finalize === "function" &&
    typeof protocol._cipher?.encrypt === "function" &&
    "_kexinit" in protocol &&
    "_queue" in protocol
  );
}
