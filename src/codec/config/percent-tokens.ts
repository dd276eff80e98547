/**
 * `%h` and its like in a setting (ssh_config(5), TOKENS): each stands for a text, `%%` for a percent sign. As in ssh
 * (misc.c, percent_expand) a token that is not known there is an error, never left as it stands.
 */

import { quoted } from "../../text/terminal-text.ts";
import { Malformed } from "../malformed.ts";

/** `tokens` has the letters: `{ h: "db.internal", p: "22" }`. What they stand for is not looked at again. */
export function expandTokens(text: string, tokens: Readonly<Record<string, string>>): string {
  return text.replace(/%(.?)/gsu, (_match, letter: string) => meaning(text, letter, tokens));
}

/**
 * The same with `${NAME}` of the environment beside the tokens (misc.c, vdollar_percent_expand). What a variable holds is
 * not looked at again either; one that is not set is an error.
 */
export function expandTokensAndVariables(
  text: string,
  tokens: Readonly<Record<string, string>>,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  const pattern = /\$\{([^}]*)(\}?)|%(.?)/gsu;
  return text.replace(pattern, (_match, name: string | undefined, close: string, letter: string) =>
    name === undefined ? meaning(text, letter, tokens) : variable(text, name, close, environment),
  );
}

/** `${NAME}` alone, as in a forward: a percent sign is left as it stands. */
export function expandVariables(text: string, environment: Readonly<Record<string, string | undefined>>): string {
  return text.replace(/\$\{([^}]*)(\}?)/gs, (_match, name: string, close: string) =>
    variable(text, name, close, environment),
  );
}

function meaning(text: string, letter: string, tokens: Readonly<Record<string, string>>): string {
  if (letter === "%") return "%";
  if (letter === "") throw new Malformed(`${quoted(text)} ends in a "%": a percent sign is written %%`);
  const value = Object.hasOwn(tokens, letter) ? tokens[letter] : undefined;
  if (value !== undefined) return value;
  const known = Object.keys(tokens).map((each) => `%${each}`);
  throw new Malformed(`${quoted(text)}: ${quoted(`%${letter}`)} means nothing here, only ${known.join(", ")}, %%`);
}

function variable(
  text: string,
  name: string,
  close: string,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  if (close === "" || name === "") throw new Malformed(`${quoted(text)}: \${ is not followed by NAME}`);
  const value: unknown = environment[name];
  // Whatever every object has, such as `constructor`, is no variable.
  if (typeof value !== "string") throw new Malformed(`${quoted(text)}: the environment has no ${quoted(name)}`);
  return value;
}
