/**
 * A command that was copied from somewhere (`ssh -L ...`, `$ autossh -M 0 ...`, `porthop run ...`) as words of porthop's.
 * It is cut into words and no more: what a shell would do besides is refused, and so is what runs ssh with other rights.
 */

import { Malformed } from "../codec/malformed.ts";
import { visible } from "../codec/terminal-text.ts";
import { scanArgv } from "../codec/words/argv.ts";
import { splitShellWords } from "../codec/words/shell-words.ts";
import { PorthopError } from "../errors.ts";
import { runTable } from "./run-flags.ts";
import { asUsage } from "./usage.ts";

export interface Pasted {
  readonly program: "ssh" | "porthop";
  readonly command: "run" | "relay";
  /** As they would follow `porthop run` or `porthop relay`. */
  readonly words: readonly string[];
}

/**
 * The words of `explain` and `command`: a pasted command as one word, its words each by itself, or run's own flags. Flags
 * of porthop's may stand before the one word and after it.
 */
export function readPasted(words: readonly string[]): Pasted {
  if (isSpelledOut(words)) return asUsage("paste the plain command: ssh [flags] [user@]host", () => unwrap(words));
  return spreadPasted(words) ?? { program: "porthop", command: "run", words };
}

/** Whether the words are those of a whole command, `ssh -L ... host`, and not of one of porthop's own. */
export function isSpelledOut(words: readonly string[]): boolean {
  const [first = "", second = ""] = words;
  if (/\s/.test(first)) return false;
  return programOf(first) !== undefined || (hintFor(first) !== undefined && programOf(second) !== undefined);
}

/** The words of `run`, where a word with blanks that begins with ssh stands for the words in it. */
export function plainWords(words: readonly string[]): readonly string[] {
  const pasted = spreadPasted(words);
  if (pasted === undefined) return words;
  if (pasted.command === "relay") throw usage("this is a relay: porthop relay takes it");
  return pasted.words;
}

function spreadPasted(words: readonly string[]): Pasted | undefined {
  const at = words.findIndex((word, index) => looksPasted(word) && isFirst(words.slice(0, index)));
  const text = words[at];
  if (text === undefined) return undefined;
  return asUsage("paste the plain command: ssh [flags] [user@]host", () => {
    const pasted = unwrap(splitShellWords(text));
    const after = words.slice(at + 1);
    if (!isFirst(after))
      throw new Malformed(`${visible(after.join(" "), 100)}: after a pasted command only flags may follow`);
    // In front, for behind the destination may be a command.
    return { ...pasted, words: [...words.slice(0, at), ...after, ...pasted.words] };
  });
}

/** A destination may hold a blank too (`my user@host`): only what begins with a program is a command. */
function looksPasted(word: string): boolean {
  const [, first = ""] = /^\s*(\S+)\s/.exec(word) ?? [];
  return first === "$" || programOf(first) !== undefined || hintFor(first) !== undefined;
}

/** Whether what follows would be the destination. */
function isFirst(before: readonly string[]): boolean {
  try {
    const { destination, command } = scanArgv(before, runTable);
    return destination === undefined && command.length === 0;
  } catch (error) {
    // The last flag lacks its value: the word is that value.
    if (error instanceof Malformed) return false;
    throw error;
  }
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
  if (/^(?:nohup|setsid|screen|tmux|env|exec|time|command)$/.test(word))
    return "take it away: -f goes to the background";
  if (/^[A-Za-z_][A-Za-z0-9_]*=/.test(word)) return "set the variable before, in a line of its own";
  return undefined;
}

function unwrap(words: readonly string[]): Pasted {
  const [first = "", ...rest] = words[0] === "$" ? words.slice(1) : words;
  const program = programOf(first);
  if (program === "porthop") {
    const [command, ...own] = rest;
    if (command === "run" || command === "relay") return { program, command, words: own };
    throw new Malformed("of porthop's commands only run and relay forward something");
  }
  if (program !== undefined)
    return { program: "ssh", command: "run", words: program === "ssh" ? rest : withoutMonitor(rest) };
  const hint = hintFor(first);
  if (hint !== undefined) throw usage(`${visible(first, 50)} before ssh is not taken along`, hint);
  throw new Malformed(`${visible(first, 50)}: a pasted command begins with ssh, autossh or porthop run`);
}

/** autossh(1): its own -M takes a port, where ssh's -M takes nothing. */
function withoutMonitor(words: readonly string[]): readonly string[] {
  const at = words.findIndex((word) => word.startsWith("-M"));
  if (at === -1) return words;
  return [...words.slice(0, at), ...words.slice(at + (words[at] === "-M" ? 2 : 1))];
}

function usage(message: string, hint?: string): PorthopError {
  return new PorthopError("usage", `the pasted command: ${message}`, hint === undefined ? {} : { hint });
}
