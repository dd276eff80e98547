/**
 * LocalForward, RemoteForward and DynamicForward mean -L, -R and -D in two words (readconf.c). As in ssh.c, variables
 * are filled in before a forward is read. Tokens are filled in afterwards, and only in the paths of sockets.
 */
import { type Address, isUnix } from "../../codec/address.ts";
import { splitArguments } from "../../codec/config/config-line.ts";
import { Malformed } from "../../codec/malformed.ts";
import { type ForwardSpec, parseForwardSpec } from "../../codec/words/forward-spec.ts";
import { quoted } from "../../text/terminal-text.ts";

const flags = { LocalForward: "L", RemoteForward: "R", DynamicForward: "D" } as const;

export type ForwardKeyword = keyof typeof flags;

/** Their forwards come in this order, after the forwards of the flags. */
export const forwardKeywords = Object.keys(flags) as readonly ForwardKeyword[];

/**
 * Throws Malformed when the value is wrong. A value with a variable is checked later, when the variable is filled in.
 */
export function checkForward(keyword: ForwardKeyword, value: string): void {
  const text = specText(keyword, value);
  if (!text.includes("${")) readSpec(keyword, text);
}

export function parseConfigForward(
  keyword: ForwardKeyword,
  value: string,
  fillVariables: (text: string) => string = (text) => text,
): ForwardSpec {
  return readSpec(keyword, specText(keyword, value), fillVariables);
}

/** Fills tokens into the paths of the forward's sockets. */
export function fillPaths(spec: ForwardSpec, fill: (path: string) => string): ForwardSpec {
  const filled = <Side extends ForwardSpec["listen"] | Address>(side: Side): Side =>
    side !== undefined && "path" in side ? { ...side, path: fill(side.path) } : side;
  if (spec.kind === "stdio") return isUnix(spec.connect) ? { ...spec, connect: filled(spec.connect) } : spec;
  if (spec.connect === undefined) return { ...spec, listen: filled(spec.listen) };
  return { ...spec, listen: filled(spec.listen), connect: filled(spec.connect) };
}

function specText(keyword: ForwardKeyword, value: string): string {
  const words = splitArguments(value);
  const [listen, connect] = words;
  const most = keyword === "DynamicForward" ? 1 : 2;
  if (listen === undefined || listen === "" || words.length > most || (keyword === "LocalForward" && !connect)) {
    const shape = { LocalForward: "8080 localhost:80", RemoteForward: "8080 localhost:80", DynamicForward: "1080" };
    throw new Malformed(`${keyword}: ${quoted(value)} is not of the form ${shape[keyword]}`);
  }
  return connect === undefined ? listen : `${listen}:${connect}`;
}

function readSpec(keyword: ForwardKeyword, text: string, fillVariables?: (text: string) => string): ForwardSpec {
  try {
    return parseForwardSpec(flags[keyword], text, fillVariables);
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    throw new Malformed(error.message.replace(`-${flags[keyword]} `, `${keyword} `));
  }
}
