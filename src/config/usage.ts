/** Words that a codec cannot read are wrong usage: the one place where its Malformed becomes the user's error. */
import { Malformed } from "../codec/malformed.ts";
import { PorthopError } from "../errors.ts";

/** What `read` gives; without a hint of its own the code's is shown. */
export function asUsage<T>(hint: string | undefined, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    throw new PorthopError("usage", error.message, { hint, cause: error });
  }
}
