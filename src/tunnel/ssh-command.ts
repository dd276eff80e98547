/**
 * A tunnel as the arguments of OpenSSH's ssh, always in one order. `ssh -G` prints equal settings for these arguments
 * and for the words that the user gave.
 */
import { formatHost } from "../codec/address.ts";
import type { Destination } from "../codec/words/destination.ts";
import { type ForwardSpec, forwardFlag, printForwardSpec, writtenForward } from "../codec/words/forward-spec.ts";
import { requireOneLine } from "../codec/words/shell-words.ts";
import { aboutSshFlag, meaningfulFlags } from "./ssh-flags.ts";
import { keywordText, type SshTunnel, sshKeywords } from "./tunnel-description.ts";

/** A flag with its value, or the destination, or the command. */
export interface SshPiece {
  readonly words: readonly string[];
  /** What the piece is for, on one line. */
  readonly about: string;
}

/**
 * The tunnel with what porthop does unasked and ssh only when it is told: to end when a forward cannot be set up. What
 * the user says, or a file that `effective` takes into account, stays as it was said.
 */
export function withOwnDefaults(tunnel: SshTunnel, effective: SshTunnel): SshTunnel {
  const listens = effective.forwards.some(({ kind }) => kind !== "stdio");
  if (!listens || keywordText(effective, "ExitOnForwardFailure") !== undefined) return tunnel;
  return { ...tunnel, keywords: [...tunnel.keywords, { name: "ExitOnForwardFailure", value: "yes" }] };
}

/** Without `ssh` itself. `printed` prints the login for another program than ssh. Throws Malformed when a word has a line break or an invisible character. */
export function sshWords(tunnel: SshTunnel, printed = printLogin): readonly string[] {
  return sshPieces(tunnel, printed).flatMap(({ words }) => words);
}

export function sshPieces(tunnel: SshTunnel, printed = printLogin): readonly SshPiece[] {
  const pieces = [
    ...session(tunnel),
    ...route(tunnel),
    ...tunnel.identities.map(({ file, by }) => identity(file, by)),
    // Behind a RequestTTY=yes of an -o, -t would force the terminal (ssh.c, main).
    ...terminal(tunnel),
    ...sshKeywords(tunnel.keywords).map(({ name, value }) => piece(["-o", `${name}=${value}`], keywordAbout(name))),
    ...tunnel.forwards.map((spec) => piece([`-${forwardFlag(spec.kind)}`, writtenForward(spec)], aboutForward(spec))),
    piece([printed(tunnel)], "the server to log in to"),
    ...command(tunnel),
  ];
  requireOneLine(pieces.flatMap(({ words }) => words));
  return pieces;
}

/** `user@host`. The port is not a part of it: ssh takes the port from -p. */
export function printLogin({ user, host }: Pick<SshTunnel, "user" | "host">): string {
  return user === undefined ? host : `${user}@${host}`;
}

/** The value of -J. Unlike in a destination, a host with a colon or slash stands in brackets even without a port. */
export function printJumps(jumps: readonly Destination[]): string {
  if (jumps.length === 0) return "none";
  return jumps.map(printJump).join(",");
}

export function printJump({ user, host, port }: Destination): string {
  const place = host.includes("/") ? `[${host}]` : formatHost(host);
  return `${user === undefined ? "" : `${user}@`}${place}${port === undefined ? "" : `:${port}`}`;
}

function piece(words: readonly string[], about: string): SshPiece {
  return { words, about };
}

function session(tunnel: SshTunnel): readonly SshPiece[] {
  const { remote, configFile, flags } = tunnel;
  const isStdio = tunnel.forwards.some(({ kind }) => kind === "stdio");
  // -W implies -N. A SessionType replaces -N, which would also turn off the terminal (ssh.c).
  const isSaid = isStdio || keywordText(tunnel, "SessionType")?.toLowerCase() === "none";
  return [
    ...(remote.kind === "none" && !isSaid ? [piece(["-N"], "no shell on the server, only the forwards")] : []),
    ...(configFile === undefined ? [] : [piece(["-F", configFile], "read this configuration file and no other")]),
    ...meaningfulFlags(flags).map(({ letter, value }) =>
      piece([`-${letter}`, ...(value === undefined ? [] : [value])], aboutSshFlag(letter) ?? "a flag of ssh"),
    ),
  ];
}

function route({ port, jumps }: SshTunnel): readonly SshPiece[] {
  const passed =
    jumps?.length === 0 ? "straight to the server, whatever the configuration says" : "the way to the server";
  return [
    ...(port === undefined ? [] : [piece(["-p", String(port)], "the port of sshd")]),
    ...(jumps === undefined ? [] : [piece(["-J", printJumps(jumps)], passed)]),
  ];
}

function identity(file: string, by: "flag" | "keyword"): SshPiece {
  // ssh parses the value of IdentityFile, in which a blank ends an unquoted name. The value of -i is not parsed.
  if (by === "keyword") return piece(["-o", `IdentityFile=${file}`], "the private key to log in with");
  return piece(["-i", file], "the private key to log in with");
}

function terminal({ terminal: wanted }: SshTunnel): readonly SshPiece[] {
  if (wanted === undefined) return [];
  if (wanted === "no") return [piece(["-T"], "no terminal on the server")];
  return [piece(wanted === "yes" ? ["-t"] : ["-t", "-t"], "a terminal on the server")];
}

/** A command that begins with a dash gets `--` in front, because ssh reads flags after the destination too. */
function command({ remote }: SshTunnel): readonly SshPiece[] {
  if (remote.kind !== "command") return [];
  const words = remote.words[0]?.startsWith("-") ? ["--", ...remote.words] : remote.words;
  return [piece(words, "what runs on the server; the forwards live as long as it does")];
}

function aboutForward(spec: ForwardSpec): string {
  const target = spec.connect === undefined ? "" : printForwardSpec({ ...stdioTo, connect: spec.connect });
  const listen = spec.listen === undefined ? "" : printForwardSpec({ ...dynamicFrom, listen: spec.listen });
  if (spec.kind === "local") return `listen on ${listen} here; the server connects to ${target}`;
  if (spec.kind === "remote") return `listen on ${listen} of the server; this machine connects to ${target}`;
  if (spec.kind === "dynamic") return `a SOCKS proxy on ${listen} here; the server connects`;
  if (spec.kind === "reverse-dynamic") return `a SOCKS proxy on ${listen} of the server; this machine connects`;
  return `stdin and stdout to ${target}, as the server sees it`;
}

const stdioTo = { kind: "stdio", listen: undefined } as const;
const dynamicFrom = { kind: "dynamic", connect: undefined } as const;

const keywordAbouts: Readonly<Record<string, string>> = {
  exitonforwardfailure: "give up when a forward cannot be set up",
  serveraliveinterval: "ask the server for a sign of life after so many silent seconds",
  serveralivecountmax: "give up after so many unanswered questions",
  hostname: "the address to connect to",
  stricthostkeychecking: "what to do about a host key that is not known",
  proxycommand: "reach the server through this program",
  streamlocalbindunlink: "take the place of a socket file that was left over",
  localforward: "a forward from here",
  remoteforward: "a forward from the server",
  userknownhostsfile: "where host keys are known from",
  connecttimeout: "give up connecting after so many seconds",
  batchmode: "ask nothing: no passwords, no passphrases",
  gatewayports: "let other machines connect to the ports here",
};

function keywordAbout(name: string): string {
  return keywordAbouts[name.toLowerCase()] ?? `the setting ${name}`;
}
