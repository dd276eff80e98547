/**
 * The patterns of ssh_config(5) and known_hosts: `*` for any run of characters, `?` for exactly one, `!` to exclude.
 * OpenSSH's match.c recurses at every star; here the time is at most the product of both lengths, whatever the pattern.
 */

/** The whole text against one pattern; letter case counts. */
export function matchesPattern(text: string, pattern: string): boolean {
  let at = 0;
  let star = -1;
  let starText = 0;
  let index = 0;
  while (index < text.length) {
    const wanted = pattern[at];
    if (wanted === "*") {
      // Only the last star matters: whatever an earlier one would have to give back, this one can take instead.
      star = at++;
      starText = index;
    } else if (wanted === "?" || wanted === text[index]) {
      at++;
      index++;
    } else if (star >= 0) {
      at = star + 1;
      index = ++starText;
    } else {
      return false;
    }
  }
  while (pattern[at] === "*") at++;
  return at === pattern.length;
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
