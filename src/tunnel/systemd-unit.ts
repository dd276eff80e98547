/**
 * A tunnel as a unit of the user's systemd, which starts ssh at login and again whenever ssh ends.
 * The words are quoted by the rules of systemd.service(5), "Command lines": systemd is no shell,
 * and reads `%`, `$`, quotes and backslashes in its own way.
 */

import { requireOneLine } from "../codec/words/shell-words.ts";
import { commentLines } from "./command-notes.ts";
import { residentWords } from "./resident-words.ts";
import { printLogin } from "./ssh-command.ts";
import type { SshTunnel } from "./tunnel-description.ts";

/** Lines without line breaks. `name` is the unit's without `.service`; `effective` has what the configuration files add. */
export function systemdUnit(
  tunnel: SshTunnel,
  name: string,
  notes: readonly string[] = [],
  effective = tunnel,
): readonly string[] {
  // The variables of today are not those of the service.
  const forwards = tunnel.forwards.map((spec) => ({ ...spec, written: undefined }));
  const words = residentWords({ ...tunnel, forwards }, effective);
  const description = `ssh forwards through ${printLogin(tunnel)}`.replaceAll("%", "%%").replaceAll("\\", "\\\\");
  return [
    ...commentLines([
      `~/.config/systemd/user/${name}.service`,
      `systemctl --user daemon-reload && systemctl --user enable --now ${name}`,
      "To have it without being logged in: loginctl enable-linger",
      "Nobody can be asked: the key is in the agent or has no passphrase,",
      "and the host key is known already.",
      ...notes,
    ]),
    "[Unit]",
    `Description=${description}`,
    "StartLimitIntervalSec=0",
    "",
    "[Service]",
    `ExecStart=/usr/bin/ssh ${systemdLine(words)}`,
    "Restart=always",
    "RestartSec=5",
    "",
    "[Install]",
    "WantedBy=default.target",
  ];
}

export function systemdLine(words: readonly string[]): string {
  return requireOneLine(words).map(systemdWord).join(" ");
}

function systemdWord(word: string): string {
  if (/^[A-Za-z0-9_/:.,@+=-]+$/.test(word)) return word;
  return `"${word.replace(/["\\]/g, "\\$&").replaceAll("%", "%%").replaceAll("$", "$$$$")}"`;
}
