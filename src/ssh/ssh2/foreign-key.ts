/**
 * Public keys that ssh2 1.17.0 does not know, certificates and security keys: offered under names of their own, and their
 * signatures sent as the signer made them.
 */
import type { ParsedKey } from "ssh2";
import { writeStrings } from "../../codec/ssh-string.ts";
import { sendPayload } from "./sending.ts";
import type { ProtocolView } from "./view.ts";

const offeredAs = new WeakMap<object, string>();

/**
 * A key that ssh2 takes for one that it has read itself: it looks for a hidden mark, which is inherited here from a key
 * that it did read. Its type is what it is offered as in the request. Undefined where ssh2 has no Ed25519.
 */
export function foreignKey({ utils }: typeof import("ssh2"), blob: Buffer, type: string): ParsedKey | undefined {
  const real = utils.parseKey(writeStrings("ssh-ed25519", Buffer.alloc(32)));
  if (real instanceof Error) return undefined;
  const key: ParsedKey = Object.create(real, { type: { value: type }, getPublicSSH: { value: () => blob } });
  offeredAs.set(key, type);
  return key;
}

/** A signature that is answered for such a key is whole: `string algorithm`, `string bytes`, and what security keys add. */
export function sendForeignKeys(protocol: ProtocolView): void {
  const { authPK } = protocol;
  protocol.authPK = function send(user, key, algorithm, sign) {
    const offered = offeredAs.get(key);
    if (offered === undefined) return authPK.call(protocol, user, key, algorithm, sign);
    if (sign === undefined) return authPK.call(protocol, user, key, offered);
    // ssh2 puts together what is to be signed, as it should; only its own way to send the signature is not taken.
    authPK.call(protocol, user, key, offered, (signed) =>
      sign(signed, (signature) => sendSigned(protocol, signed, signature)),
    );
  };
}

/** RFC 4252, section 7: what was signed is the session's identifier and the request; the request goes out with the signature. */
function sendSigned(protocol: ProtocolView, signed: Buffer, signature: Buffer): void {
  const request = signed.subarray(4 + signed.readUInt32BE(0));
  protocol._authsQueue.push("publickey");
  sendPayload(protocol, Buffer.concat([request, writeStrings(signature)]));
}
