/**
 * Mistakes in a pasted ssh command that porthop accepts and ssh does not. They are looked for in the words, because the
 * description no longer shows them.
 */

import { scanArgv } from "../codec/words/argv.ts";
import { parseDestination } from "../codec/words/destination.ts";
import type { Mistake } from "../tunnel/mistakes.ts";
import type { Pasted } from "./pasted-command.ts";
import { runTable } from "./run-flags.ts";

/** The words must be those of a tunnel that was described without an error. */
export function pastedMistakes({ program, words }: Pasted): readonly Mistake[] {
  if (program !== "ssh") return [];
  const { destination = "" } = scanArgv(words, runTable);
  const { port } = parseDestination(destination);
  if (port === undefined || destination.startsWith("ssh://")) return [];
  return [
    {
      level: "warning",
      code: "port-in-name",
      forward: undefined,
      text: `ssh takes no port behind the host: it would look for a host of the name with ":${port}" in it`,
      cure: `write -p ${port} (porthop reads it as the port)`,
    },
  ];
}
