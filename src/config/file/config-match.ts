/**
 * Decides whether a block of the configuration applies, by the patterns of Host or the criteria of Match (readconf.c,
 * match_cfg_line).
 */
import { isWithin, parseNetworks } from "../../codec/cidr.ts";
import { matchesPattern, matchPatterns } from "../../codec/host-pattern.ts";
import { Malformed } from "../../codec/malformed.ts";
import { didYouMean } from "../../text/nearest.ts";
import { quoted, visible } from "../../text/terminal-text.ts";

export interface MatchContext {
  /** The host name that is known so far: the value of HostName, or else the typed name. */
  readonly host: string;
  /** The host name as typed. */
  readonly originalHost: string;
  readonly user: string;
  readonly localUser: string;
  /** The value of Tag, or "". */
  readonly tag: string;
  /** The command of the command line, or "". A RemoteCommand is none. */
  readonly command: string;
  readonly sessionType: SessionType;
  /** True while the configuration is read a second time, with the final host name. */
  readonly isFinal: boolean;
  /** The addresses of this machine. */
  addresses(): readonly string[];
  /** The command of the criterion `exec` with its tokens filled in. */
  fill(command: string): string;
  /** Runs the command of the criterion `exec`. True when the command succeeds. */
  succeeds(command: string): boolean | undefined;
  /** Called for the criterion `final`: the configuration has to be read a second time. */
  askForFinal(): void;
  /** Called for a criterion that porthop cannot decide. The criterion then counts as not met. */
  undecided(criterion: string): void;
}

/** What a session is for, in the words of `Match sessiontype`. */
export type SessionType = "exec" | "none" | "shell" | "subsystem";

/**
 * What `Match version` is compared with. The keywords are those of OpenSSH 10, and the word behind it is for lines that
 * are for porthop alone. Debian has such a word too.
 */
export const matchedVersion = "OpenSSH_10.0p2 porthop";

/** True when a pattern fits and no pattern with `!` fits. As in ssh, letter case counts. */
export function hostApplies(patterns: readonly string[], host: string): boolean {
  let applies = false;
  for (const item of patterns) {
    if (item === "") throw new Malformed("Host: a pattern is empty");
    const isNegated = item.startsWith("!");
    if (!matchesPattern(host, isNegated ? item.slice(1) : item)) continue;
    if (isNegated) return false;
    applies = true;
  }
  return applies;
}

/** `words` are the arguments of the line. Throws Malformed when they are wrong. */
export function matchApplies(words: readonly string[], context: MatchContext): boolean {
  let applies = true;
  let count = 0;
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined && !word.startsWith("#"); word = rest.shift()) {
    const isNegated = word.startsWith("!");
    const { name, given } = criterionIn(isNegated ? word.slice(1) : word);
    if (name === "all") {
      refuseMore(count, rest[0]);
      return applies && !isNegated;
    }
    count++;
    const value = needsNone.has(name) ? "" : needed(name, given ?? rest.shift());
    const isMet = criterionMet(name, value, applies, context);
    // What cannot be decided is not met, and neither is its opposite.
    applies = isMet !== undefined && isMet !== isNegated && applies;
  }
  if (count === 0) throw new Malformed("Match has no criterion");
  return applies;
}

/** These may have their value behind a "=". */
const withEquals = /^(command|exec|host|localnetwork|localuser|originalhost|tagged|user|version)=(.*)$/is;

/** One word of a Match line, without its exclamation mark. */
export function criterionIn(word: string): { readonly name: string; readonly given: string | undefined } {
  const [, name = word, given] = withEquals.exec(word) ?? [];
  return { name: name.toLowerCase(), given };
}

const needsNone: ReadonlySet<string> = new Set(["canonical", "final"]);
const mayBeEmpty: ReadonlySet<string> = new Set(["command", "tagged"]);

const known = [
  ...["all", "canonical", "command", "exec", "final", "host", "localnetwork", "localuser"],
  ...["originalhost", "sessiontype", "tagged", "user", "version"],
];

function refuseMore(count: number, next: string | undefined): void {
  if (count > 1 || (next !== undefined && next !== "" && !next.startsWith("#"))) {
    throw new Malformed("Match: all cannot stand beside other criteria");
  }
}

function needed(criterion: string, value: string | undefined): string {
  const isMissing = value === undefined || value.startsWith("#") || (value === "" && !mayBeEmpty.has(criterion));
  if (isMissing) throw new Malformed(`Match: ${visible(criterion, 50)} needs a value`);
  return value;
}

/** `isSoFar` is true when all criteria before were met: only then a command runs. Undefined when nobody can tell. */
function criterionMet(criterion: string, value: string, isSoFar: boolean, context: MatchContext): boolean | undefined {
  switch (criterion) {
    case "final":
      context.askForFinal();
      return context.isFinal;
    case "canonical":
      return context.isFinal;
    case "host":
      return fits(context.host.toLowerCase(), value.toLowerCase());
    case "originalhost":
      return fits(context.originalHost.toLowerCase(), value.toLowerCase());
    case "user":
      return fits(context.user, value);
    case "localuser":
      return fits(context.localUser, value);
    case "localnetwork":
      return isAtHome(value, context);
    case "version":
      return fits(matchedVersion, value);
    case "sessiontype":
      return fits(context.sessionType, value);
    case "tagged":
      return fitsOrIsEmpty(context.tag, value);
    case "command":
      return fitsOrIsEmpty(context.command, value);
    case "exec":
      return commandMet(context.fill(value), isSoFar, context);
  }
  throw new Malformed(`Match: ${quoted(criterion)} is no criterion${didYouMean(criterion, known)}`);
}

function commandMet(command: string, isSoFar: boolean, context: MatchContext): boolean | undefined {
  if (!isSoFar) return false;
  const isMet = context.succeeds(command);
  if (isMet === undefined) context.undecided("exec");
  return isMet;
}

/** True when an address of this machine is in one of the networks. As in addrmatch.c, nothing can be excluded. */
function isAtHome(list: string, context: MatchContext): boolean {
  const strange = /[^0-9a-f.:/,]/i.exec(list)?.[0];
  if (strange !== undefined) throw new Malformed(`Match: localnetwork ${quoted(list)} contains ${quoted(strange)}`);
  const networks = parseNetworks(list);
  return context.addresses().some((address) => isWithin(address, networks));
}

function fits(text: string, list: string): boolean {
  return matchPatterns(text, list.split(",")) === "matched";
}

/** Nothing fits the empty list alone, and no pattern. */
function fitsOrIsEmpty(text: string, list: string): boolean {
  return text === "" ? list === "" : fits(text, list);
}
