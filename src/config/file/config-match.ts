/**
 * Decides whether a block of the configuration applies, by the patterns of Host or the criteria of Match (readconf.c,
 * match_cfg_line).
 */
import { takeToken } from "../../codec/config/config-line.ts";
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
  /** The value of Tag. */
  readonly tag: string;
  /** True while the configuration is read a second time, with the final host name. */
  readonly isFinal: boolean;
  /** Runs the command of the criterion `exec`, with tokens filled in. True when the command succeeds. */
  succeeds(command: string): boolean | undefined;
  /** Called for the criterion `final`: the configuration has to be read a second time. */
  askForFinal(): void;
  /** Called for a criterion that porthop cannot decide. The criterion then counts as not met. */
  undecided(criterion: string): void;
}

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

/**
 * `text` is all that follows the word Match. A command runs only when all criteria before it are met. Throws Malformed
 * when the text is wrong.
 */
export function matchApplies(text: string, context: MatchContext): boolean {
  let applies = true;
  let count = 0;
  let next = takeToken(text);
  while (next.token !== "" && !next.token.startsWith("#")) {
    const isNegated = next.token.startsWith("!");
    const criterion = (isNegated ? next.token.slice(1) : next.token).toLowerCase();
    if (criterion === "all") {
      refuseMore(count, next.rest);
      return applies && !isNegated;
    }
    count++;
    const argument = needsNone.has(criterion) ? undefined : takeToken(next.rest);
    if (argument !== undefined && (argument.token === "" || argument.token.startsWith("#"))) {
      throw new Malformed(`Match: ${visible(criterion, 50)} needs a value`);
    }
    // A command runs only when all criteria before it are met. What cannot be decided is not met, and neither is its opposite.
    if (criterion !== "exec" || applies) {
      const isMet = criterionMet(criterion, argument?.token ?? "", context);
      applies = isMet !== undefined && isMet !== isNegated && applies;
    }
    next = takeToken(argument === undefined ? next.rest : argument.rest);
  }
  if (count === 0) throw new Malformed("Match has no criterion");
  return applies;
}

const needsNone: ReadonlySet<string> = new Set(["canonical", "final"]);

/** Criteria of newer versions of ssh that porthop does not have. */
const undecidable: ReadonlySet<string> = new Set(["localnetwork", "sessiontype", "command", "version"]);

const known = ["all", "canonical", "exec", "final", "host", "localuser", "originalhost", "tagged", "user"];

function refuseMore(count: number, rest: string): void {
  const { token } = takeToken(rest);
  if (count > 1 || (token !== "" && !token.startsWith("#"))) {
    throw new Malformed("Match: all cannot stand beside other criteria");
  }
}

/** Undefined when nobody can tell. */
function criterionMet(criterion: string, value: string, context: MatchContext): boolean | undefined {
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
    case "tagged":
      return fits(context.tag, value);
    case "exec": {
      const isMet = context.succeeds(value);
      if (isMet === undefined) context.undecided(criterion);
      return isMet;
    }
  }
  if (!undecidable.has(criterion)) {
    throw new Malformed(`Match: ${quoted(criterion)} is no criterion${didYouMean(criterion, known)}`);
  }
  context.undecided(criterion);
  return undefined;
}

function fits(text: string, list: string): boolean {
  return matchPatterns(text, list.split(",")) === "matched";
}
