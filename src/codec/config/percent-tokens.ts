/**
 * Tokens such as `%h` in a setting (ssh_config(5), TOKENS): each stands for a text, `%%` for a percent sign. As in ssh
 * (misc.c, percent_expand), a token that the setting does not know is an error and never stays in the text.
 */

import { quoted } from "../../text/terminal-text.ts";
import { Malformed } from "../malformed.ts";

/**
 * `tokens` has the text for each letter: `{ h: "db.internal", p:
 * "22" }`. That text is not expanded again. Throws Malformed.
 */
export function expandTokens(text: string, tokens: Readonly<Record<string, string>>): string {
  return text.replace(/%(.?)/gsu, (_match, letter: string) => meaning(text, letter, tokens));
}

/**
 * Expands `${NAME}` of the environment as well as the tokens (misc.c, vdollar_percent_expand). The value of a variable
 * is not expanded again. Throws Malformed for a variable that is not set.
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

/** Expands `${NAME}` only, as ssh does in a forward, where a percent sign is a plain character. Throws Malformed. */
export function expandVariables(text: string, environment: Readonly<Record<string, string | undefined>>): string {
  return text.replace(/\$\{([^}]*)(\}?)/gs, (_match, name: string, close: string) =>
    variable(text, name, close, environment),
  );
}

/** The first variable of the text that the environment does not have. */
export function missingVariable(
  text: string,
  environment: Readonly<Record<string, string | undefined>>,
): string | undefined {
  return [...text.matchAll(/\$\{([^}]+)\}/gs)].find(([, name = ""]) => typeof environment[name] !== "string")?.[1];
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
  // A property that every object inherits, such as `constructor`, is no variable.
  if (typeof value !== "string") throw new Malformed(`${quoted(text)}: the environment has no ${quoted(name)}`);
  return value;
}
