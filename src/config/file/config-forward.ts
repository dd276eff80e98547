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
  if (specText(keyword, value).text.includes("${")) return;
  parseConfigForward(keyword, value);
}

export function parseConfigForward(
  keyword: ForwardKeyword,
  value: string,
  fillVariables: (text: string) => string = (text) => text,
): ForwardSpec {
  const { text, isPair } = specText(keyword, value);
  const spec = readSpec(keyword, text, fillVariables);
  // readconf.c, parse_forward: one word of RemoteForward asks for a proxy or names a socket, two words never do the former.
  const { connect } = spec;
  if (isPair ? connect === undefined : connect !== undefined && !isUnix(connect)) throw misshapen(keyword, value);
  return spec;
}

/** Fills tokens into the paths of the forward's sockets. */
export function fillPaths(spec: ForwardSpec, fill: (path: string) => string): ForwardSpec {
  const filled = <Side extends ForwardSpec["listen"] | Address>(side: Side): Side =>
    side !== undefined && "path" in side ? { ...side, path: fill(side.path) } : side;
  if (spec.kind === "stdio") return isUnix(spec.connect) ? { ...spec, connect: filled(spec.connect) } : spec;
  if (spec.connect === undefined) return { ...spec, listen: filled(spec.listen) };
  return { ...spec, listen: filled(spec.listen), connect: filled(spec.connect) };
}

/** `isPair`: the address to connect to is a word of its own. */
function specText(keyword: ForwardKeyword, value: string): { readonly text: string; readonly isPair: boolean } {
  const words = splitArguments(value);
  const [listen, connect] = words;
  const most = keyword === "DynamicForward" ? 1 : 2;
  if (listen === undefined || listen === "" || words.length > most || (keyword === "LocalForward" && !connect)) {
    throw misshapen(keyword, value);
  }
  return connect === undefined ? { text: listen, isPair: false } : { text: `${listen}:${connect}`, isPair: true };
}

function misshapen(keyword: ForwardKeyword, value: string): Malformed {
  const shape = { LocalForward: "8080 localhost:80", RemoteForward: "8080 localhost:80", DynamicForward: "1080" };
  return new Malformed(`${keyword}: ${quoted(value)} is not of the form ${shape[keyword]}`);
}

function readSpec(keyword: ForwardKeyword, text: string, fillVariables?: (text: string) => string): ForwardSpec {
  try {
    return parseForwardSpec(flags[keyword], text, fillVariables);
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    throw new Malformed(error.message.replace(`-${flags[keyword]} `, `${keyword} `));
  }
}
