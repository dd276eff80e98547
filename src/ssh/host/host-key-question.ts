/**
 * Asks a person whether an unknown host key belongs to the host. The words are ssh's, and the answer may be the
 * fingerprint.
 */
import type { KnownHost } from "../../codec/keys/known-hosts.ts";
import { visible } from "../../text/terminal-text.ts";
import type { Prompter } from "../prompter.ts";
import type { KnownHostsFile } from "./known-hosts-file.ts";

export interface HostKeyQuestion {
  /** The name that known_hosts would have for the host. */
  readonly name: string;
  readonly address: string | undefined;
  /** Such as `ED25519`. */
  readonly kind: string;
  readonly fingerprint: string;
  readonly blob: Buffer;
}

export async function askAboutHostKey(
  prompter: Prompter,
  { name, address, kind, fingerprint, blob }: HostKeyQuestion,
  files: readonly KnownHostsFile[],
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const where = address === undefined ? "" : ` (${visible(address)})`;
  prompter.inform(
    [
      `The authenticity of host '${visible(name)}${where}' can't be established.`,
      `${kind} key fingerprint is ${fingerprint}.`,
      ...otherNames(blob, files),
    ].join("\n"),
  );
  let question = "Are you sure you want to continue connecting (yes/no/[fingerprint])? ";
  for (;;) {
    const [answer = ""] = (await prompter.ask(question, signal)).trim().split(/\s/);
    if (answer === fingerprint || answer.toLowerCase() === "yes") return true;
    if (answer === "" || answer.toLowerCase() === "no") return false;
    question = "Please type 'yes', 'no' or the fingerprint: ";
  }
}

/** As many names as ssh lists. */
const maxOtherNames = 8;

/**
 * Lists other names that known_hosts has for this key. That can be a good sign, or one server that answers in another's
 * place; the person decides.
 */
function otherNames(blob: Buffer, files: readonly KnownHostsFile[]): string[] {
  const names = files.flatMap(({ path, entries }) =>
    entries
      .filter((entry) => entry.marker === undefined && entry.blob.equals(blob))
      .map((entry) => `    ${path}:${entry.line}: ${hostsText(entry)}`),
  );
  if (names.length === 0) return ["This key is not known by any other names."];
  const rest = names.length - maxOtherNames;
  const more = rest > 0 ? [`    (${rest} more)`] : [];
  return ["This host key is known by the following other names/addresses:", ...names.slice(0, maxOtherNames), ...more];
}

function hostsText({ hosts }: KnownHost): string {
  return hosts.startsWith("|") ? "[hashed name]" : visible(hosts, 120);
}
