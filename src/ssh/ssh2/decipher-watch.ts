/**
 * Sees each decoder of packets when ssh2 sets it in `_decipher`, before the decoder's first byte: at the server's
 * identification, and at each change of keys (lib/protocol/kex.js).
 */
import type { DecipherView, ProtocolView } from "./view.ts";

/** Several callers are told in the order of their calls. */
export function watchDeciphers(
  protocol: Pick<ProtocolView, "_decipher">,
  told: (decipher: DecipherView) => void,
): void {
  const before = Object.getOwnPropertyDescriptor(protocol, "_decipher");
  let current = protocol._decipher;
  Object.defineProperty(protocol, "_decipher", {
    configurable: true,
    enumerable: true,
    get: () => current,
    set: (decipher: DecipherView | undefined) => {
      before?.set?.call(protocol, decipher);
      if (decipher !== undefined) told(decipher);
      current = decipher;
    },
  });
}
