/** What the failure of an attempt means: any error as a PorthopError, and a shortage of descriptors as what it is. */
import { PorthopError } from "../../errors.ts";
import { messageOf } from "../../text/error-message.ts";

/** `wasShort`: meanwhile this process could not open another file. */
export function failedAttempt(thrown: unknown, wasShort: boolean): PorthopError {
  const error = asPorthopError(thrown);
  // What was to be read for a session then looks as if it were not there. That passes.
  if (!wasShort || !["ssh.auth-failed", "file.cannot-read", "internal"].includes(error.code)) return error;
  const text = `${error.message} (too many open files)`;
  return new PorthopError("ssh.unreachable", text, { leg: 2, hint: error.hint, cause: error });
}

function asPorthopError(error: unknown): PorthopError {
  if (error instanceof PorthopError) return error;
  return new PorthopError("internal", `no session could be made: ${messageOf(error)}`, { cause: error });
}
