/**
 * A command that was copied from somewhere (`ssh -L ...`, `$ autossh -M 0 ...`, `porthop run ...`) as words of porthop.
 * The command is only cut into words: everything else that a shell would do is refused, and so are programs that run
 * ssh with other rights (sudo).
 */

import { Malformed } from "../codec/malformed.ts";
import { type ScannedArgv, scanArgv } from "../codec/words/argv.ts";
import { splitShellWords } from "../codec/words/shell-words.ts";
import { refuseTypographicDash, refuseTypography } from "../codec/words/typographic.ts";
import { PorthopError } from "../errors.ts";
import { visible } from "../text/terminal-text.ts";
import { runTable } from "./run-flags.ts";
import { asUsage } from "./usage.ts";

const plainHint = "paste the plain command: ssh [flags] [user@]host";

const isAssignment = /^[A-Za-z_][A-Za-z0-9_]*=/;

export interface Pasted {
  readonly program: "ssh" | "porthop";
  readonly command: "run" | "relay";
  /** The words that would stand after `porthop run` or `porthop relay`. */
  readonly words: readonly string[];
}

/**
 * Reads the words of `explain` and `command`: a pasted command in one word, a pasted command word by word, or the flags
 * of run. Flags of porthop may stand before and after a command in one word.
 */
export function readPasted(words: readonly string[]): Pasted {
  if (isSpelledOut(words)) return asUsage(plainHint, () => unwrap(words));
  return spreadPasted(words) ?? { program: "porthop", command: "run", words: typed(words) };
}

/** Whether the words are a whole command, `ssh -L ... host`, and not the words of a porthop command. */
export function isSpelledOut(words: readonly string[]): boolean {
  const [first = "", second = ""] = words;
  if (/\s/.test(first)) return false;
  return programOf(first) !== undefined || (hintFor(first) !== undefined && programOf(second) !== undefined);
}

/**
 * The words of `run`. One word that holds a pasted command (`"ssh -L ... host"`) is
 * replaced by the words of that command.
 */
export function plainWords(words: readonly string[]): readonly string[] {
  const pasted = spreadPasted(words);
  if (pasted === undefined) return typed(words);
  if (pasted.command === "relay") throw usage("this is a relay: porthop relay takes it");
  return pasted.words;
}

function spreadPasted(words: readonly string[]): Pasted | undefined {
  const at = words.findIndex((word, index) => looksPasted(word) && isFirst(words.slice(0, index)));
  const text = words[at];
  if (text === undefined) return undefined;
  return asUsage(hintIn(text), () => {
    const pasted = unwrap(splitShellWords(withoutPrompt(text)));
    const after = words.slice(at + 1);
    if (!isFirst(after))
      throw new Malformed(`${visible(after.join(" "), 100)}: after a pasted command only flags may follow`);
    // The flags go in front, because a command for the server may stand behind the destination.
    return { ...pasted, words: [...words.slice(0, at), ...after, ...pasted.words] };
  });
}

/**
 * Whether a pasted command stands in this word: it begins with the name of a program. Blanks alone do not show that,
 * because a destination may hold a blank too (`my user@host`).
 */
function looksPasted(word: string): boolean {
  const [, first = ""] = /^\s*(\S+)\s/.exec(withoutPrompt(word)) ?? [];
  return first === "$" || programOf(first) !== undefined || hintFor(first) !== undefined || others.has(first);
}

/**
 * Removes what a web page or a terminal shows around a command: lines of comment above the command, and a prompt before
 * it, such as `$`, `root#` or `PS C:\\>`.
 */
function withoutPrompt(text: string): string {
  const prompt =
    /^\s*(?:\[[^\]\n]{1,100}\]|(?:PS )?[^\s$#%>]{0,100})[$#%>]\s+(?=(?:\S*[\\/])?(?:ssh|autossh|porthop)\b)/i;
  return text.replace(/^(?:[ \t]*#[^\n]*\n)+/, "").replace(prompt, "");
}

/** Whether the word that follows `before` is the destination. */
function isFirst(before: readonly string[]): boolean {
  // When the last flag has no value yet, the scan fails: the word that follows is that value.
  const scanned = scannedOrNot(before);
  return scanned !== undefined && scanned.destination === undefined && scanned.command.length === 0;
}

function programOf(word: string): "ssh" | "autossh" | "porthop" | undefined {
  const name = /^(?:.*[\\/])?(ssh|autossh|porthop)(?:\.exe)?$/i.exec(word)?.[1]?.toLowerCase();
  return name === "ssh" || name === "autossh" || name === "porthop" ? name : undefined;
}

function hintFor(word: string): string | undefined {
  if (/^(?:sudo|doas|su|run0)$/.test(word)) {
    return "take it away: porthop needs root only to listen below port 1024, and root has other keys and another known_hosts";
  }
  if (word === "sshpass") return "take it and the password away: porthop asks for it, or use a key";
  if (word === "plink") return "say it as ssh: -P is -p, and a .ppk key is exported by puttygen";
  if (/^(?:nohup|setsid|screen|tmux)$/.test(word)) return "take it away: -f goes to the background";
  if (/^(?:exec|time|command|nice)$/.test(word)) return "take it away";
  if (word === "env" || isAssignment.test(word)) return "set the variable before, in a line of its own";
  return undefined;
}

/** Programs that start ssh themselves, or do what ssh is not asked for here. */
const others: ReadonlyMap<string, string> = new Map([
  ["az", "az ssh config writes a Host for ssh: porthop run -F FILE -L ... HOST"],
  ["gcloud", "gcloud compute ssh --dry-run prints its ssh command: paste that one"],
  ["kitten", "kitten ssh takes the flags of ssh: take kitten away"],
  ["kitty", "kitty +kitten ssh takes the flags of ssh: take the words before ssh away"],
  ["mosh", "mosh forwards no ports: say it as ssh"],
  ["rsync", "files are copied by rsync itself"],
  ["scp", "files are copied by scp itself"],
  ["sftp", "files are copied by sftp itself"],
  ["sshuttle", "the nearest is -D, a proxy for every target: porthop run -D 1080 HOST"],
  ["tailscale", "the machines of a tailnet are hosts for ssh too: take tailscale away"],
  ["tsh", "tsh config prints a Host for ssh: porthop run -F FILE -L ... HOST"],
  ["vagrant", "vagrant ssh-config prints a Host for ssh: porthop run -F FILE -L ... default"],
]);

function unwrap(words: readonly string[]): Pasted {
  // Variables of autossh (AUTOSSH_PORT=0) are skipped, because they do not change the tunnel.
  const start = words.findIndex((word) => word !== "$" && !/^AUTOSSH_[A-Z]{1,30}=/.test(word));
  const [first = "", ...rest] = start === -1 ? [] : words.slice(start);
  const program = programOf(first);
  if (program === "porthop") {
    const [command, ...own] = rest;
    refuseTypographyIn(own);
    if (command === "run" || command === "relay") return { program, command, words: own };
    throw new Malformed("of porthop's commands only run and relay forward something");
  }
  if (program !== undefined) {
    const plain = program === "ssh" ? rest : withoutMonitor(rest);
    refuseTypographyIn(plain);
    return { program: "ssh", command: "run", words: plain };
  }
  refuseTypography(first);
  const instead = others.get(first);
  if (instead !== undefined)
    throw usage(`it begins with ${first}, and only ssh, autossh and porthop are read`, instead);
  const hint = hintFor(first);
  if (hint !== undefined) throw usage(`${visible(first, 50)} before ssh is not taken along`, hint);
  throw new Malformed(`${visible(first, 50)}: a pasted command begins with ssh, autossh or porthop run`);
}

/** Removes the -M of autossh, which takes a port (autossh(1)). The -M of ssh takes no value. */
function withoutMonitor(words: readonly string[]): readonly string[] {
  const at = words.findIndex((word) => word.startsWith("-M"));
  if (at === -1) return words;
  return [...words.slice(0, at), ...words.slice(at + (words[at] === "-M" ? 2 : 1))];
}

function typed(words: readonly string[]): readonly string[] {
  asUsage(undefined, () => refuseTypographyIn(words));
  return words;
}

/**
 * Refuses dashes, quotes and blanks of a web page. The command for the server may have them, except
 * for its first word: `host –N`.
 */
function refuseTypographyIn(words: readonly string[]): void {
  const scanned = scannedOrNot(words);
  if (scanned === undefined) {
    for (const word of words) refuseTypography(word);
    return;
  }
  for (const { flag, value = "" } of scanned.flags) refuseTypography(value, !"LRDWJpl".includes(flag));
  refuseTypography(scanned.destination ?? "");
  refuseTypographicDash(scanned.command[0] ?? "");
}

/** Undefined for words that cannot be read. The code that reads the words next reports why. */
function scannedOrNot(words: readonly string[]): ScannedArgv | undefined {
  try {
    return scanArgv(words, runTable);
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}

function hintIn(text: string): string {
  if (/&\s*$/.test(text)) return "leave the & away: -f goes to the background";
  if (/<[\w @.-]{1,50}>/.test(text)) return "write your own names where <...> stands";
  return plainHint;
}

function usage(message: string, hint?: string): PorthopError {
  return new PorthopError("usage", `the pasted command: ${message}`, hint === undefined ? {} : { hint });
}
