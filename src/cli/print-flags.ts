/**
 * The own flags of `porthop command` and `porthop explain`. They stand apart from the code of the two commands, which is
 * loaded when one of them is run, because every help needs them.
 */
import { defaults } from "../config/defaults.ts";
import type { RunFlag } from "../config/run-flags.ts";

/** What `porthop command` prints. */
export const formats = ["ssh", "config", "autossh", "systemd", "plink", "porthop"] as const;

export const commandFlags: readonly RunFlag[] = [
  {
    name: "format",
    value: "FORMAT",
    about: `${formats.slice(0, -1).join(", ")} or porthop (${defaults.printedFormat} by default)`,
  },
  { name: "shell", value: "SHELL", about: "posix (sh, bash, zsh ...) or powershell: how the line is quoted" },
  { name: "name", value: "NAME", about: "what the Host block or the unit is called" },
  { name: "json", about: "one JSON object: the words and the line, or the lines of a file, and the notes" },
];

export const explainFlags: readonly RunFlag[] = [{ name: "json", about: "one JSON object instead of text" }];
