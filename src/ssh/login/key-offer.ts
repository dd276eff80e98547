/**
 * Offers one public key to the server, and signs only when the server accepts the key (RFC 4252, section 7). For ssh2
 * the offer looks like an agent with one key, because ssh2 waits for a later signature only from an agent. A signature
 * may need a passphrase or a touch.
 */
import type { BaseAgent, IdentityCallback, ParsedKey, SignCallback, SigningRequestOptions } from "ssh2";
import type { Ssh2 } from "../ssh2/loading.ts";

/** Makes a signature as ssh2 wants it: the bytes alone, without the algorithm's name. */
export type Signer = (data: Buffer, hash: string | undefined) => Promise<Buffer>;

/**
 * When `sign` cannot sign, it starts the next attempt itself and resolves with undefined. ssh2 is then not told,
 * because ssh2 would emit an `error` event although nothing is wrong. `failed` hears what ssh2 throws when a signature
 * is handed over.
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
      // `data` is a view into memory that ssh2 uses again, so a copy is needed.
      sign(Buffer.from(data), hash)
        .then((signature) => {
          if (signature !== undefined) callback?.(null, signature);
        })
        .catch(failed);
    }
  }
  return new Offer();
}
