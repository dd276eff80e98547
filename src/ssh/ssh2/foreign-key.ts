/**
 * Public keys that ssh2 1.17.0 does not know: certificates and security keys. They are offered under their own names,
 * and their signatures are sent as the signer made them.
 */
import type { ParsedKey } from "ssh2";
import { writeStrings } from "../../codec/ssh-string.ts";
import { sendPayload } from "./sending.ts";
import type { ProtocolView } from "./view.ts";

const offeredAs = new WeakMap<object, string>();

/**
 * Makes a key that ssh2 accepts as read by itself. ssh2 looks for a hidden mark; the key inherits this mark from an
 * Ed25519 key that ssh2 has read. `type` is the name in the request. Undefined when ssh2 has no Ed25519.
 */
export function foreignKey({ utils }: typeof import("ssh2"), blob: Buffer, type: string): ParsedKey | undefined {
  const real = utils.parseKey(writeStrings("ssh-ed25519", Buffer.alloc(32)));
  if (real instanceof Error) return undefined;
  const key: ParsedKey = Object.create(real, { type: { value: type }, getPublicSSH: { value: () => blob } });
  offeredAs.set(key, type);
  return key;
}

/** Tells whether signatures by this key come whole, with the algorithm's name. */
export function isForeign(key: object): boolean {
  return offeredAs.has(key);
}

/**
 * Sends signatures by such keys unchanged. A signature must be whole: `string algorithm`, `string bytes`, and what
 * security keys add.
 */
export function sendForeignKeys(protocol: ProtocolView): void {
  const { authPK } = protocol;
  protocol.authPK = function send(user, key, algorithm, sign) {
    const offered = offeredAs.get(key);
    if (offered === undefined) return authPK.call(protocol, user, key, algorithm, sign);
    if (sign === undefined) return authPK.call(protocol, user, key, offered);
    // ssh2 builds the right bytes to sign. Only its way of sending the signature is replaced.
    authPK.call(protocol, user, key, offered, (signed) =>
      sign(signed, (signature) => sendSigned(protocol, signed, signature)),
    );
  };
}

/**
 * RFC 4252, section 7: the signed bytes are the session's identifier and the request. The request is sent with the
 * signature behind it.
 */
export function sendSigned(protocol: ProtocolView, signed: Buffer, signature: Buffer): void {
  const request = signed.subarray(4 + signed.readUInt32BE(0));
  protocol._authsQueue.push("publickey");
  sendPayload(protocol, Buffer.concat([request, writeStrings(signature)]));
}
