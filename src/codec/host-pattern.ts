/**
 * The patterns of ssh_config(5) and known_hosts: `*` for any run of characters, `?` for exactly one, `!` to exclude.
 * OpenSSH's match.c recurses at every star; here the time is at most the product of both lengths, whatever the pattern.
 */

/** The whole text against one pattern; letter case counts. */
export function matchesPattern(text: string, pattern: string): boolean {
  return fitsPieces(
    text.length,
    pattern.length,
    (at) => pattern[at] === "*",
    (at, index) => pattern[at] === "?" || pattern[at] === text[index],
  );
}

/** The same for any pieces of a pattern: which of them is a star, and which takes the sign of the text at an index. */
export function fitsPieces(
  signs: number,
  pieces: number,
  isStar: (at: number) => boolean,
  takes: (at: number, index: number) => boolean,
): boolean {
  let at = 0;
  let star = -1;
  let starIndex = 0;
  let index = 0;
  while (index < signs) {
    if (at < pieces && isStar(at)) {
      // Only the last star matters: whatever an earlier one would have to give back, this one can take instead.
      star = at++;
      starIndex = index;
    } else if (at < pieces && takes(at, index)) {
      at++;
      index++;
    } else if (star >= 0) {
      at = star + 1;
      index = ++starIndex;
    } else {
      return false;
    }
  }
  while (at < pieces && isStar(at)) at++;
  return at === pieces;
}

/** What a list says: `excluded` when a pattern with `!` matches, which outweighs all others wherever it stands. */
export type ListMatch = "matched" | "excluded" | "none";

export function matchPatterns(text: string, patterns: readonly string[]): ListMatch {
  let result: ListMatch = "none";
  for (const item of patterns) {
    const negated = item.startsWith("!");
    const pattern = negated ? item.slice(1) : item;
    // match.c gives the whole list up where a pattern does not fit into its buffer.
    if (pattern.length >= maxPatternLength) return "none";
    if (!matchesPattern(text, pattern)) continue;
    if (negated) return "excluded";
    result = "matched";
  }
  return result;
}

const maxPatternLength = 1023;
