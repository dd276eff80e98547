/**
 * A tunnel as a command line of plink, PuTTY's ssh without a window. plink has fewer options than ssh, and other
 * letters for some of them. An option that plink does not have is left out, with a note.
 */
import { isUnix } from "../codec/address.ts";
import { type ForwardSpec, forwardFlag, printForwardSpec, writtenForward } from "../codec/words/forward-spec.ts";
import { requireOneLine } from "../codec/words/shell-words.ts";
import { printLogin } from "./ssh-command.ts";
import { meaningfulFlags } from "./ssh-flags.ts";
import { opensGateway, type SshTunnel, sshKeywords } from "./tunnel-description.ts";
import { sshdAddress } from "./tunnel-legs.ts";

export interface PlinkCommand {
  readonly words: readonly string[];
  /** What the command leaves out. */
  readonly notes: readonly string[];
}

/** The flags that ssh and plink share, with one meaning. */
const shared = new Set(["4", "6", "A", "a", "C", "s", "v", "x"]);

export function plinkCommand(tunnel: SshTunnel): PlinkCommand {
  const notes: string[] = [];
  const words = [
    "plink",
    "-ssh",
    ...flags(tunnel, notes),
    ...(tunnel.port === undefined ? [] : ["-P", String(tunnel.port)]),
    ...way(tunnel, notes),
    ...keys(tunnel, notes),
    ...tunnel.forwards.flatMap((spec) => forward(spec, opensGateway(tunnel), notes)),
    printLogin({ user: tunnel.user, host: sshdAddress(tunnel).host }),
    ...(tunnel.remote.kind === "command" ? tunnel.remote.words : []),
  ];
  return { words: requireOneLine(words), notes };
}

function flags({ flags: given, keywords, terminal, remote, forwards }: SshTunnel, notes: string[]): readonly string[] {
  const words = remote.kind === "none" && !forwards.some(({ kind }) => kind === "stdio") ? ["-N"] : [];
  for (const { letter } of meaningfulFlags(given)) {
    if (shared.has(letter)) words.push(`-${letter}`);
    else if (letter === "X" || letter === "Y") words.push("-X");
    // -g is a part of each listen address; without -n and -q the tunnel is no other.
    else if (letter !== "g" && letter !== "n" && letter !== "q") notes.push(`plink has no -${letter}`);
  }
  for (const { name } of sshKeywords(keywords)) {
    if (!quiet.has(name.toLowerCase())) notes.push(`plink has no -o: ${name} is set in a saved session of PuTTY`);
  }
  if (terminal !== undefined) words.push(terminal === "no" ? "-T" : "-t");
  return words;
}

/** These are said in another way, or change nothing of a tunnel. */
const quiet = new Set(["gatewayports", "hashknownhosts", "hostname", "sendenv"]);

/** -nc is plink's -W. The inner command is one text, in which plink replaces %host and %port. */
function way({ jumps = [] }: SshTunnel, notes: string[]): readonly string[] {
  const [jump, ...others] = jumps;
  if (jump === undefined) return [];
  if (others.length > 0) {
    notes.push("plink passes one jump host this way: for more, name a proxy in a saved session of each");
    return [];
  }
  const port = jump.port === undefined ? "" : `-P ${jump.port} `;
  const login = printLogin(jump);
  if (/[ "\\%]/.test(login)) {
    notes.push(`the jump host ${login} cannot stand in plink's -proxycmd`);
    return [];
  }
  return ["-proxycmd", `plink -ssh ${port}-nc %host:%port ${login}`];
}

function keys({ identities }: SshTunnel, notes: string[]): readonly string[] {
  const [first, ...others] = identities;
  if (first === undefined) return [];
  notes.push("plink takes keys of PuTTY's own form: puttygen makes a .ppk file of an OpenSSH key");
  if (others.length > 0) notes.push("plink takes one key: the others are left out");
  return ["-i", first.file];
}

function forward(spec: ForwardSpec, isOpen: boolean, notes: string[]): readonly string[] {
  if (spec.kind === "stdio") {
    if (!isUnix(spec.connect)) return ["-nc", printForwardSpec(spec)];
    notes.push("plink has no forwards of unix sockets");
    return [];
  }
  const { listen, connect } = spec;
  if ("path" in listen || (connect !== undefined && isUnix(connect))) {
    notes.push(`plink has no forwards of unix sockets: -${forwardFlag(spec.kind)} ${writtenForward(spec)} is left out`);
    return [];
  }
  if (spec.kind === "reverse-dynamic") {
    notes.push(`plink has no SOCKS on the server: -R ${writtenForward(spec)} is left out`);
    return [];
  }
  const isWide =
    listen.bind === "" || listen.bind === "*" || (listen.bind === undefined && isOpen && spec.side === "here");
  const bind = isWide ? "0.0.0.0" : listen.bind;
  return [`-${forwardFlag(spec.kind)}`, printForwardSpec({ ...spec, listen: { ...listen, bind } })];
}
