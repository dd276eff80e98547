/**
 * Whether ssh itself still reads the files: a keyword that it does not know is an error for every host, also in a block
 * that does not apply, unless the first IgnoreUnknown that holds for that host stands before it (readconf.c).
 */
import { takeToken } from "../../codec/config/config-line.ts";
import { matchesPattern, matchPatterns } from "../../codec/host-pattern.ts";
import { visible } from "../../text/terminal-text.ts";

/** The part of a file that a line stands in. */
export interface Block {
  /** For the host that is asked of. */
  readonly isActive: boolean;
  /** For every host. */
  readonly holdsAlways: boolean;
}

export class PlainSsh {
  /** The file that the reading began with. */
  readonly #root: string;
  /** Those that may be the first one for some host, up to one that holds for all. */
  readonly #firsts: { readonly patterns: readonly string[]; readonly where: string; readonly block: Block }[] = [];
  readonly #all: string[] = [];
  #stray: { readonly keyword: string; readonly where: string; readonly cure: string | undefined } | undefined;

  constructor(root: string) {
    this.#root = root;
  }

  /** An IgnoreUnknown. */
  ignores(list: string, where: string, block: Block): void {
    const patterns = list.split(",").filter((pattern) => pattern !== "");
    this.#all.push(...patterns);
    const isSaid = this.#firsts.some((first) => first.block.holdsAlways || first.block === block);
    if (!isSaid) this.#firsts.push({ patterns: patterns.map((pattern) => pattern.toLowerCase()), where, block });
  }

  /** A keyword of porthop's. */
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

  /** One line for the first keyword that ssh would end at, with what helps. */
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

  /** Only the first one counts: it has to say what all others say. */
  #union(): string {
    const others = this.#all.filter((pattern) => !matchesPattern(pattern.toLowerCase(), "porthop*"));
    return visible([...new Set(["Porthop*", ...others])].join(","), 200);
  }
}

/** Host with these patterns holds for every host. */
export function hostHoldsAlways(patterns: readonly string[]): boolean {
  return patterns.some(isStar) && !patterns.some((pattern) => pattern.startsWith("!"));
}

/** The same for the criteria of Match. What only a second reading meets does not hold for the first. */
export function matchHoldsAlways(criteria: string): boolean {
  let next = takeToken(criteria);
  while (next.token !== "" && !next.token.startsWith("#")) {
    const criterion = next.token.toLowerCase();
    if (criterion === "all") return true;
    if (!named.has(criterion)) return false;
    const { token, rest } = takeToken(next.rest);
    if (!hostHoldsAlways(token.split(","))) return false;
    next = takeToken(rest);
  }
  return true;
}

const named: ReadonlySet<string> = new Set(["host", "localuser", "originalhost", "user"]);

function isStar(pattern: string): boolean {
  return pattern.startsWith("*") && /^\*+$/.test(pattern);
}
