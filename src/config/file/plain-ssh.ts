/**
 * Checks whether ssh itself can still read the files. A keyword that ssh does not know is an error for every host, even
 * in a block that does not apply, unless the first IgnoreUnknown that holds for the host comes before the keyword
 * (readconf.c).
 */
import { matchesPattern, matchPatterns } from "../../codec/host-pattern.ts";
import { visible } from "../../text/terminal-text.ts";
import { criterionIn } from "./config-match.ts";

/** The part of a file in which a line stands. */
export interface Block {
  /** True when the block applies to the current host. */
  readonly isActive: boolean;
  /** True when the block applies to every host. */
  readonly holdsAlways: boolean;
}

export class PlainSsh {
  /** The file with which the reading began. */
  readonly #root: string;
  /** The IgnoreUnknown lines that may be the first for some host, up to one that holds for all hosts. */
  readonly #firsts: { readonly patterns: readonly string[]; readonly where: string; readonly block: Block }[] = [];
  readonly #all: string[] = [];
  #stray: { readonly keyword: string; readonly where: string; readonly cure: string | undefined } | undefined;

  constructor(root: string) {
    this.#root = root;
  }

  /** Reports an IgnoreUnknown line. */
  ignores(list: string, where: string, block: Block): void {
    const patterns = list.split(",").filter((pattern) => pattern !== "");
    this.#all.push(...patterns);
    const isSaid = this.#firsts.some((first) => first.block.holdsAlways || first.block === block);
    if (!isSaid) this.#firsts.push({ patterns: patterns.map((pattern) => pattern.toLowerCase()), where, block });
  }

  /** Reports a keyword of porthop's own. */
  meets(keyword: string, where: string): void {
    if (this.#stray !== undefined) return;
    const covers = ({ patterns }: { readonly patterns: readonly string[] }) =>
      matchPatterns(keyword.toLowerCase(), patterns) === "matched";
    if (this.#firsts.at(-1)?.block.holdsAlways === true && this.#firsts.every(covers)) return;
    const [first] = this.#firsts;
    const cure =
      first?.block.holdsAlways === true
        ? `add Porthop* to the IgnoreUnknown of ${visible(first.where, 200)}`
        : undefined;
    this.#stray = { keyword, where, cure };
  }

  /** One line about the first keyword that ssh would refuse, with a cure. Undefined when there is none. */
  get warning(): string | undefined {
    if (this.#stray === undefined) return undefined;
    const {
      keyword,
      where,
      cure = `put "IgnoreUnknown ${this.#union()}" at the top of ${visible(this.#root, 200)}`,
    } = this.#stray;
    const what = `ssh itself ends at ${visible(keyword, 50)} with "Bad configuration option", for other hosts too`;
    return `${visible(where, 200)}: ${what}: ${cure}`;
  }

  /** Only the first IgnoreUnknown counts, so it needs the patterns of all others too. */
  #union(): string {
    const others = this.#all.filter((pattern) => !matchesPattern(pattern.toLowerCase(), "porthop*"));
    return visible([...new Set(["Porthop*", ...others])].join(","), 200);
  }
}

/** True when a Host line with these patterns applies to every host. */
export function hostHoldsAlways(patterns: readonly string[]): boolean {
  return patterns.some(isStar) && !patterns.some((pattern) => pattern.startsWith("!"));
}

/**
 * True when a Match line with these criteria applies to every host. A criterion that only a second reading meets does
 * not apply in the first.
 */
export function matchHoldsAlways(words: readonly string[]): boolean {
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined && !word.startsWith("#"); word = rest.shift()) {
    const { name, given } = criterionIn(word);
    if (name === "all") return true;
    if (!named.has(name) || !hostHoldsAlways((given ?? rest.shift() ?? "").split(","))) return false;
  }
  return true;
}

const named: ReadonlySet<string> = new Set(["host", "localuser", "originalhost", "user"]);

function isStar(pattern: string): boolean {
  return pattern.startsWith("*") && /^\*+$/.test(pattern);
}
