/**
 * The files that a pattern of Include names, found as by glob(3): `*`, `?`, `[a-z]` and `[[:digit:]]` within one name,
 * a leading dot only for a literal dot, sorted by name. A pattern without a match is no error.
 */
import { lstatSync, readdirSync } from "node:fs";
import { fitsPieces } from "../../codec/host-pattern.ts";

export function matchingPaths(pattern: string): readonly string[] {
  // Such a pattern names a folder, and ssh reads nothing from a folder.
  if (pattern.endsWith("/")) return [];
  let found: readonly string[] = [pattern.startsWith("/") ? "" : "."];
  for (const part of pattern.split("/")) {
    if (part === "") continue;
    const name = plainName(part);
    found =
      name === undefined ? found.flatMap((folder) => entries(folder, part)) : found.map((each) => `${each}/${name}`);
  }
  return found.filter(isThere);
}

/** The name without its backslashes, when it has no pattern; otherwise undefined. */
function plainName(part: string): string | undefined {
  const tokens = tokensOf(part);
  return tokens.every((token): token is string => typeof token === "string") ? tokens.join("") : undefined;
}

function entries(folder: string, part: string): readonly string[] {
  const tokens = tokensOf(part);
  return namesIn(`${folder}/`)
    .filter((name) => (!name.startsWith(".") || tokens[0] === ".") && fits([...name], tokens))
    .sort()
    .map((name) => `${folder}/${name}`);
}

type PatternToken = string | typeof anyRun | ((sign: string) => boolean);

const anyRun = Symbol("*");

function tokensOf(part: string): readonly PatternToken[] {
  const signs = [...part];
  const tokens: PatternToken[] = [];
  for (let at = 0; at < signs.length; at++) {
    const sign = signs[at] ?? "";
    const close = sign === "[" ? closingBracket(signs, at) : -1;
    if (sign === "*") tokens.push(anyRun);
    else if (sign === "?") tokens.push(() => true);
    else if (sign === "\\" && at + 1 < signs.length) tokens.push(signs[++at] ?? "");
    else if (close !== -1) {
      tokens.push(setOf(signs.slice(at + 1, close)));
      at = close;
    } else tokens.push(sign);
  }
  return tokens;
}

/**
 * The index of the `]` that ends the set, or -1 when none does; then the `[` is an ordinary sign. A `]` in first place
 * and the `]` of a class belong to the set.
 */
function closingBracket(signs: readonly string[], open: number): number {
  const isNegated = signs[open + 1] === "!" || signs[open + 1] === "^";
  for (let at = open + (isNegated ? 2 : 1), first = at; at < signs.length; at++) {
    if (signs[at] === "]" && at > first) return at;
    at = classEnd(signs, at) ?? at;
  }
  return -1;
}

/** The index of the end of a class such as `[:digit:]` that begins at `at`. Undefined when no class begins there. */
function classEnd(signs: readonly string[], at: number): number | undefined {
  if (signs[at] !== "[" || signs[at + 1] !== ":") return undefined;
  const end = signs.indexOf("]", at + 2);
  return signs[end - 1] === ":" && end > at + 2 ? end : undefined;
}

/** The classes of POSIX, with their members in the C locale. */
const classes: Readonly<Record<string, RegExp>> = {
  alnum: /[0-9A-Za-z]/,
  alpha: /[A-Za-z]/,
  blank: /[ \t]/,
  digit: /[0-9]/,
  graph: /[!-~]/,
  lower: /[a-z]/,
  print: /[ -~]/,
  punct: /[!-/:-@[-`{-~]/,
  space: /[ \t-\r]/,
  upper: /[A-Z]/,
  xdigit: /[0-9A-Fa-f]/,
};

function setOf(inside: readonly string[]): (sign: string) => boolean {
  const isNegated = inside[0] === "!" || inside[0] === "^";
  const members = isNegated ? inside.slice(1) : inside;
  const tests: ((sign: string) => boolean)[] = [];
  for (let at = 0; at < members.length; at++) {
    const [member = "", dash, last] = members.slice(at, at + 3);
    const end = classEnd(members, at);
    if (end !== undefined) {
      const known = classes[members.slice(at + 2, end - 1).join("")];
      tests.push((sign) => known?.test(sign) === true);
      at = end;
    } else if (dash === "-" && last !== undefined) {
      tests.push((sign) => sign >= member && sign <= last);
      at += 2;
    } else tests.push((sign) => sign === member);
  }
  return (sign) => tests.some((fitsMember) => fitsMember(sign)) !== isNegated;
}

function fits(name: readonly string[], tokens: readonly PatternToken[]): boolean {
  return fitsPieces(
    name.length,
    tokens.length,
    (at) => tokens[at] === anyRun,
    (at, index) => {
      const [token, sign = ""] = [tokens[at], name[index]];
      return token === sign || (typeof token === "function" && token(sign));
    },
  );
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    // The folder does not exist, or we may not look into it. Then no name fits.
    return [];
  }
}

function isThere(path: string): boolean {
  try {
    lstatSync(path);
    return true;
  } catch {
    return false;
  }
}
