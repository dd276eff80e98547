/** Turns the Malformed of a codec into a usage error, because words that a codec cannot read are wrong usage. */
import { Malformed } from "../codec/malformed.ts";
import { PorthopError } from "../errors.ts";

/** Returns what `read` returns. Without a `hint` the error has the default hint of its code. */
export function asUsage<T>(hint: string | undefined, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    throw new PorthopError("usage", error.message, { hint, cause: error });
  }
}
