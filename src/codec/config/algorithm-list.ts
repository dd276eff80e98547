/**
 * The value of Ciphers, MACs, KexAlgorithms, HostKeyAlgorithms and its like (ssh_config(5)): a comma list, `+` to append to the
 * default, `-` to remove from it, `^` to put at its head. Read as readconf.c reads it, put together as kex.c does.
 */

import { didYouMean } from "../../text/nearest.ts";
import { quoted } from "../../text/terminal-text.ts";
import { matchesPattern, matchPatterns } from "../host-pattern.ts";
import { Malformed } from "../malformed.ts";
import { type AlgorithmKind, algorithmNouns, openSshAlgorithms } from "./openssh-algorithms.ts";

export interface AlgorithmList {
  readonly mode: "only" | "append" | "remove" | "first";
  /** Names; patterns where ssh takes them: behind `-`, and for keys. */
  readonly names: readonly string[];
}

export interface AlgorithmStock {
  /** What is offered when nobody says otherwise, best first. */
  readonly defaults: readonly string[];
  /** All there are, whether offered by default or not. */
  readonly available: readonly string[];
}

export interface AlgorithmChoice {
  /** What is offered, best first, each once; perhaps nothing. */
  readonly names: readonly string[];
  /** What was asked for by a name that ssh knows, and is not there. */
  readonly lacking: readonly string[];
}

/** Throws `Malformed` for a name that nobody knows. */
export function parseAlgorithmList(kind: AlgorithmKind, text: string): AlgorithmList {
  const mode = modes.get(text.charAt(0)) ?? "only";
  const names = (mode === "only" ? text : text.slice(1)).split(",").map((name) => name.trim());
  // readconf.c does not look at what follows a minus: a pattern that fits nothing removes nothing.
  if (mode !== "remove") for (const name of names) refuseUnknown(kind, name);
  return { mode, names };
}

export function chooseAlgorithms(list: AlgorithmList | undefined, stock: AlgorithmStock): AlgorithmChoice {
  const { defaults, available } = stock;
  if (list === undefined) return { names: defaults, lacking: [] };
  if (list.mode === "remove") {
    return { names: defaults.filter((name) => matchPatterns(name, list.names) !== "matched"), lacking: [] };
  }
  const wanted = list.names.flatMap((name) =>
    isPattern(name) ? available.filter((each) => matchesPattern(each, name)) : [name],
  );
  const named = wanted.filter((name) => available.includes(name));
  const all = list.mode === "only" ? named : list.mode === "append" ? [...defaults, ...named] : [...named, ...defaults];
  return { names: [...new Set(all)], lacking: [...new Set(wanted)].filter((name) => !available.includes(name)) };
}

const modes: ReadonlyMap<string, AlgorithmList["mode"]> = new Map([
  ["+", "append"],
  ["-", "remove"],
  ["^", "first"],
]);

function refuseUnknown(kind: AlgorithmKind, name: string): void {
  const known = openSshAlgorithms[kind];
  if (known.includes(name)) return;
  // sshkey_names_valid2 takes patterns, as long as they fit something; cipher.c, mac.c and kex.c do not.
  if (
    (kind === "hostKey" || kind === "publicKey") &&
    isPattern(name) &&
    known.some((each) => matchesPattern(each, name))
  )
    return;
  const noun = algorithmNouns[kind];
  if (name === "") throw new Malformed(`an empty name where a ${noun} should be`);
  throw new Malformed(`${quoted(name)} is no ${noun} that ssh knows${didYouMean(name, known)}`);
}

function isPattern(name: string): boolean {
  return /[*?]/.test(name);
}
