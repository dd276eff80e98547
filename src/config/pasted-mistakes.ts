/**
 * Mistakes in a pasted ssh command that porthop accepts and ssh does not. They are looked for in the words, because the
 * description no longer shows them.
 */

import { scanArgv } from "../codec/words/argv.ts";
import { parseDestination } from "../codec/words/destination.ts";
import type { Mistake } from "../tunnel/mistakes.ts";
import type { SshTunnel } from "../tunnel/tunnel-description.ts";
import type { Pasted } from "./pasted-command.ts";
import { runTable } from "./run-flags.ts";

/** `described` is the tunnel that was described by the words. */
export function pastedMistakes({ program, words }: Pasted, { host }: Pick<SshTunnel, "host">): readonly Mistake[] {
  if (program !== "ssh") return [];
  const { destination = "" } = scanArgv(words, runTable);
  const { port } = parseDestination(destination, (name) => name === host);
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
