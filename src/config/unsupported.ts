/**
 * Checks whether porthop can do what a description says: the strict half of reading a command line. `explain`, and
 * `command` for other programs, go without these checks, because ssh may be able to do more.
 */
import { Malformed } from "../codec/malformed.ts";
import { PorthopError } from "../errors.ts";
import { visible } from "../text/terminal-text.ts";
import { flagKeywords } from "../tunnel/ssh-flags.ts";
import { commandWords, keywordText, type Relay, type SshFlag, type SshTunnel } from "../tunnel/tunnel-description.ts";
import { defaults } from "./defaults.ts";
import { typedValue, unknownKeyword } from "./file/config-value.ts";
import { findKeyword } from "./file/keyword.ts";
import { printKeywordLine } from "./file/keyword-line.ts";
import type { Keywords } from "./file/keyword-record.ts";
import { findOther, type OtherKeyword } from "./file/other-keywords.ts";

/** Throws a usage error that names the first flag or keyword that porthop does not have. */
export function refuseUnsupported(description: SshTunnel | Relay): void {
  const { flags, keywords } = description;
  for (const flag of flags) refuseFlag(flag);
  for (const line of keywords) {
    const text = printKeywordLine(line);
    const other = findOther(line.name);
    if (other !== undefined)
      refuseOther(other, typedValue(other, text), `porthop does not have ${other.name} (-o ${text})`);
    else if (findKeyword(line.name) === undefined) throw unknownKeyword(line.name);
  }
  refuseSubsystem(description, keywordText({ keywords }, "SessionType"));
}

function refuseFlag({ letter, value }: SshFlag): void {
  const written = `-${letter}${value === undefined ? "" : ` ${value}`}`;
  const refusal = `porthop does not have ssh's flag -${letter} (${written})`;
  if (letter === "s") throw new Malformed(`${refusal}: it runs commands only, and no subsystems`);
  if (letter === "S" && value?.toLowerCase() !== "none") {
    throw notThere(`${refusal}: no connection is shared with ssh`, "leave -S away, and porthop connects by itself");
  }
  for (const line of flagKeywords([{ letter, value }])) {
    const other = findOther(line.name);
    if (other !== undefined) refuseOther(other, line.value, refusal);
  }
}

function refuseOther(other: OtherKeyword, value: string, refusal: string): void {
  if (other.isMet(value) || other.weight === "unfelt" || other.weight === "felt") return;
  throw notThere(`${refusal}: ${other.lack}`, other.hint);
}

function notThere(message: string, hint: string | undefined): PorthopError {
  return new PorthopError("usage", visible(message, 300), hint === undefined ? {} : { hint });
}

/** The same for the words together with what the configuration files add. */
export function refuseImpossible(tunnel: SshTunnel, keywords: Keywords): void {
  const { forwards } = tunnel;
  refuseSubsystem(tunnel, keywords.text("SessionType"));
  const isBehind = keywords.flag("ForkAfterAuthentication", defaults.forkAfterAuthentication);
  if (isBehind && forwards.some(({ kind }) => kind === "stdio")) {
    throw new Malformed("-f and -W: a program in the background has no stdin");
  }
}

interface Work {
  readonly forwards: readonly unknown[];
  readonly remote: { readonly command: string | undefined } | undefined;
}

/** What ssh refuses too (ssh.c, main), for the words together with what the configuration files add. */
export function refuseAsSsh(
  tunnel: SshTunnel,
  keywords: Keywords,
  { forwards, remote, background, isNone }: Work & { readonly background: boolean; readonly isNone: boolean },
): void {
  const words = commandWords(tunnel);
  const configured = keywords.text("RemoteCommand");
  const other = configured !== undefined && configured.toLowerCase() !== "none";
  if (words.length > 0 && other) {
    const place = visible(keywords.placeOf("RemoteCommand"), 200);
    throw new Malformed(
      `${place}RemoteCommand, and a command: only one of them can run: ${visible(words.join(" "), 100)}`,
    );
  }
  if (!background || remote?.command !== undefined || other) return;
  if (remote !== undefined || (forwards.length === 0 && !isNone)) {
    throw new Malformed("-f needs a command, a forward or -N: a shell cannot go to the background");
  }
}

/** Throws a usage error when there is nothing to forward and nothing to run, and no -N says that the session is enough. */
export function refuseIdle({ forwards, remote, isBare }: Work & { readonly isBare: boolean }): void {
  if (forwards.length > 0 || remote !== undefined || isBare) return;
  throw new PorthopError("usage", "nothing to forward and nothing to run: -L is missing, or a command", {
    hint: "for a shell: ssh user@host; for a forward: porthop run -L 8080:localhost:80 user@host",
  });
}

/** A -N that came first wins over the keyword, as with ssh. */
function refuseSubsystem(description: SshTunnel | Relay, sessionType: string | undefined): void {
  if (sessionType?.toLowerCase() !== "subsystem") return;
  const isNone = description.via === "ssh" && description.remote.kind === "none" && !description.remote.implied;
  if (!isNone) throw new Malformed("SessionType=subsystem: porthop runs commands only");
}
