/**
 * The patterns of ssh_config(5) and known_hosts: `*` for any run of characters, `?` for exactly one, `!` to exclude.
 * OpenSSH's match.c recurses at every star. The loop here needs at most (text length) x (pattern length) steps.
 */

/** Whether the pattern matches the whole text. Upper and lower case letters are different. */
export function matchesPattern(text: string, pattern: string): boolean {
  return fitsPieces(
    text.length,
    pattern.length,
    (at) => pattern[at] === "*",
    (at, index) => pattern[at] === "?" || pattern[at] === text[index],
  );
}

/**
 * Matches a text of `signs` signs against a pattern of `pieces` pieces. `isStar` tells which piece is a star, `takes`
 * whether a piece takes the sign at an index of the text.
 */
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
      // Only the last star is remembered: signs that an earlier star could take, the last star can take as well.
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

/** What a list of patterns says: `excluded` when a pattern with `!` matches, at any place and whatever else matches. */
export type ListMatch = "matched" | "excluded" | "none";

export function matchPatterns(text: string, patterns: readonly string[]): ListMatch {
  let result: ListMatch = "none";
  for (const item of patterns) {
    const negated = item.startsWith("!");
    const pattern = negated ? item.slice(1) : item;
    // match.c gives up the whole list at a pattern that does not fit into its buffer of 1024 bytes.
    if (pattern.length >= maxPatternLength) return "none";
    if (!matchesPattern(text, pattern)) continue;
    if (negated) return "excluded";
    result = "matched";
  }
  return result;
}

const maxPatternLength = 1023;
