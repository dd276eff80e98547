/** Puts the flag of a value in front of the message about what is wrong with that value. */
import { Malformed } from "../codec/malformed.ts";
import { visible } from "../text/terminal-text.ts";

/** `written` is the flag with its value, which the parser of the value does not know. */
export function named<T>(written: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof Malformed ? new Malformed(`${visible(written, 100)}: ${error.message}`) : error;
  }
}
