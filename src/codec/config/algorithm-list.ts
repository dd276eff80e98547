/**
 * The value of Ciphers, MACs, KexAlgorithms, HostKeyAlgorithms and similar keywords
 * (ssh_config(5)): a comma list; with `+` the names are appended to the default, with `-` removed,
 * with `^` put first. Parsed as in readconf.c, applied as in kex.c.
 */

import { didYouMean } from "../../text/nearest.ts";
import { quoted } from "../../text/terminal-text.ts";
import { matchesPattern, matchPatterns } from "../host-pattern.ts";
import { Malformed } from "../malformed.ts";
import { type AlgorithmKind, algorithmNouns, openSshAlgorithms } from "./openssh-algorithms.ts";

export interface AlgorithmList {
  readonly mode: "only" | "append" | "remove" | "first";
  /** Names. Patterns too where ssh takes patterns: after `-`, and for kinds of keys. */
  readonly names: readonly string[];
  /** Names that ssh does not know, each once. They are not among the others. */
  readonly unknown: readonly string[];
}

export interface AlgorithmStock {
  /** Offered when no list is given, best first. */
  readonly defaults: readonly string[];
  /** All algorithms that porthop has, also those that are not offered by default. */
  readonly available: readonly string[];
}

export interface AlgorithmChoice {
  /** The algorithms to offer, best first, each once. May be empty. */
  readonly names: readonly string[];
  /** Names that were asked for and that ssh knows, but porthop does not have. */
  readonly lacking: readonly string[];
}

/**
 * Throws `Malformed` for a list of one's own in which ssh knows no name. One unknown name beside others is passed over,
 * as by the newest OpenSSH, so that one file can be for several versions.
 */
export function parseAlgorithmList(kind: AlgorithmKind, text: string): AlgorithmList {
  const mode = modes.get(text.charAt(0)) ?? "only";
  const names = (mode === "only" ? text : text.slice(1)).split(",").map((name) => name.trim());
  // readconf.c does not check the names after a minus: a pattern that matches nothing removes nothing.
  if (mode === "remove") return { mode, names, unknown: [] };
  if (names.includes("")) throw new Malformed(`an empty name where a ${algorithmNouns[kind]} should be`);
  const known = names.filter((name) => isKnown(kind, name));
  const unknown = [...new Set(names)].filter((name) => !known.includes(name));
  const [first] = unknown;
  if (mode === "only" && known.length === 0 && first !== undefined) throw new Malformed(unknownText(kind, first));
  return { mode, names: known, unknown };
}

export function unknownText(kind: AlgorithmKind, name: string): string {
  return `${quoted(name)} is no ${algorithmNouns[kind]} that ssh knows${didYouMean(name, openSshAlgorithms[kind])}`;
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

function isKnown(kind: AlgorithmKind, name: string): boolean {
  const known = openSshAlgorithms[kind];
  // sshkey_names_valid2 takes a pattern that matches a known name; cipher.c, mac.c and kex.c take no patterns.
  const takesPatterns = kind === "hostKey" || kind === "publicKey";
  return known.includes(name) || (takesPatterns && isPattern(name) && known.some((each) => matchesPattern(each, name)));
}

function isPattern(name: string): boolean {
  return /[*?]/.test(name);
}
