/** The last message of a command that failed: one line with its code, a hint, and the exit code. */
import { PorthopError } from "../errors.ts";
import { Output } from "./output.ts";
import { jsonExit, jsonTell } from "./report.ts";

/**
 * Prints the failure and returns the exit code. With `json` the failure also goes to stdout as events, for
 * programs that read only stdout.
 */
export function reportFailure(thrown: unknown, json = false): number {
  const error = asPorthopError(thrown);
  const output = new Output("info");
  output.error(error);
  if (error.code === "internal" && process.env["PORTHOP_DEBUG"] !== undefined && thrown instanceof Error) {
    output.info(thrown.stack ?? "");
  }
  if (json) {
    jsonTell(output, { event: "error", error });
    jsonExit(output, error.exitCode);
  }
  return error.exitCode;
}

function asPorthopError(thrown: unknown): PorthopError {
  if (thrown instanceof PorthopError) return thrown;
  const text = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  return new PorthopError("internal", text, {
    hint: "this is a defect of porthop; please report it with the output of PORTHOP_DEBUG=1",
    cause: thrown,
  });
}
