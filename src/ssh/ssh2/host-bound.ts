/**
 * Login by a public key whose signature also covers the server's host key (OpenSSH, PROTOCOL, section 3.1). An agent
 * that was forwarded over several hosts signs with a destination-constrained key only in this way (ssh-agent.c,
 * process_sign_request2). As with ssh, only the request with the signature has the other method's name.
 */
import { ecdsaFromDer } from "../../codec/keys/ssh-signature.ts";
import { readString, writeStrings } from "../../codec/ssh-string.ts";
import { isForeign, sendSigned } from "./foreign-key.ts";
import type { ProtocolView } from "./view.ts";

export const hostBoundExtension = "publickey-hostbound@openssh.com";

/** `hostKey` gives the key to be signed; undefined where the server does not know the method. */
export function signForHost(protocol: ProtocolView, hostKey: () => Uint8Array | undefined): void {
  const { authPK } = protocol;
  protocol.authPK = function send(user, key, algorithm, sign) {
    const host = hostKey();
    if (sign === undefined || host === undefined) return authPK.call(protocol, user, key, algorithm, sign);
    authPK.call(protocol, user, key, algorithm, (signed) => {
      const bound = boundRequest(signed, host);
      sign(bound.signed, (signature) => {
        const whole = isForeign(key) ? signature : wholeSignature(bound.algorithm, signature);
        sendSigned(protocol, bound.signed, whole);
      });
    });
  };
}

interface BoundRequest {
  readonly signed: Buffer;
  readonly algorithm: string;
}

/**
 * RFC 4252, section 7: the signed bytes are the session's identifier, the message's number, the user, the service, the
 * method, a boolean, the algorithm and the public key.
 */
function boundRequest(signed: Buffer, hostKey: Uint8Array): BoundRequest {
  const session = readString(signed, 0);
  const user = readString(signed, (session?.next ?? -2) + 1);
  const service = readString(signed, user?.next ?? -1);
  const method = readString(signed, service?.next ?? -1);
  const algorithm = readString(signed, (method?.next ?? -2) + 1);
  if (service === undefined || method?.bytes.toString() !== "publickey" || algorithm === undefined) {
    throw new Error("ssh2 signs something else than a login by a public key");
  }
  const parts = [signed.subarray(0, service.next), writeStrings(hostBoundMethod), signed.subarray(method.next)];
  return { signed: Buffer.concat([...parts, writeStrings(hostKey)]), algorithm: algorithm.bytes.toString("latin1") };
}

const hostBoundMethod = "publickey-hostbound-v00@openssh.com";

/** node:crypto gives an ECDSA signature as a DER sequence; an agent gives it in SSH's own form. */
function wholeSignature(algorithm: string, signature: Buffer): Buffer {
  const isDer = algorithm.startsWith("ecdsa-") && signature[0] === derSequence;
  return writeStrings(algorithm, isDer ? ecdsaFromDer(signature) : signature);
}

const derSequence = 0x30;
