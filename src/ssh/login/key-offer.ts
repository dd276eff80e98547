/**
 * Offers one public key to the server and signs only when the server would take it (RFC 4252, section 7).
 * To ssh2 it looks like an agent with one key: that is its only way to sign later, after a passphrase or a touch.
 */
import type { BaseAgent, IdentityCallback, ParsedKey, SignCallback, SigningRequestOptions } from "ssh2";
import type { Ssh2 } from "../ssh2/loading.ts";

/** Gives the signature as ssh2 wants it: the bytes alone, without the algorithm's name. */
export type Signer = (data: Buffer, hash: string | undefined) => Promise<Buffer>;

/**
 * `sign` has to end the matter itself when it cannot sign, by starting the next attempt: it then gives undefined, and
 * ssh2 never hears of it. (Told, it would emit an `error` for something that is none.) `failed` hears what ssh2 throws
 * at a signature.
 */
export function offerKey(
  ssh2: Ssh2,
  publicKey: ParsedKey,
  sign: (...args: Parameters<Signer>) => Promise<Buffer | undefined>,
  failed: (error: unknown) => void,
): BaseAgent {
  class Offer extends ssh2.BaseAgent {
    override getIdentities(answer: IdentityCallback): void {
      answer(null, [publicKey]);
    }

    override sign(
      _key: ParsedKey | Buffer | string,
      data: Buffer,
      options: SigningRequestOptions | SignCallback,
      answer?: SignCallback,
    ): void {
      const callback = typeof options === "function" ? options : answer;
      const hash = typeof options === "function" ? undefined : options.hash;
      // ssh2 gives a view into memory that it uses again.
      sign(Buffer.from(data), hash)
        .then((signature) => {
          if (signature !== undefined) callback?.(null, signature);
        })
        .catch(failed);
    }
  }
  return new Offer();
}
