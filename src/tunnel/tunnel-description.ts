/**
 * The description of a tunnel: what the user asked for, without the words of the request. A
 * pasted command is read into a description; commands, files, pictures and explanations are
 * printed from one. Plain data, in which nothing was looked up.
 */
import { splitArguments } from "../codec/config/config-line.ts";
import { Malformed } from "../codec/malformed.ts";
import type { Destination } from "../codec/words/destination.ts";
import { type ForwardSpec, forwardFlag } from "../codec/words/forward-spec.ts";

export type TunnelDescription = SshTunnel | Relay;

export interface SshTunnel {
  readonly via: "ssh";
  /** As typed; may be an alias of ssh_config. */
  readonly host: string;
  readonly user: string | undefined;
  readonly port: number | undefined;
  /** In the order of the way. Empty for no jump host at all; undefined when the configuration decides. */
  readonly jumps: readonly Destination[] | undefined;
  /** In the order in which they are offered to the server. */
  readonly identities: readonly Identity[];
  /** -F */
  readonly configFile: string | undefined;
  readonly forwards: readonly ForwardSpec[];
  /** All other flags of ssh, in the order given. */
  readonly flags: readonly SshFlag[];
  /**
   * All other -o settings, in the order given. Of two lines with
   * one keyword the first counts; a flag counts more than both.
   */
  readonly keywords: readonly KeywordLine[];
  /** -T, -t and -tt. */
  readonly terminal: "no" | "yes" | "force" | undefined;
  readonly remote: Remote;
  readonly extras: readonly Extra[];
}

/** A relay uses no ssh: this machine listens, and connects to the targets itself. */
export interface Relay {
  readonly via: "nothing";
  readonly forwards: readonly ForwardSpec[];
  readonly flags: readonly SshFlag[];
  readonly keywords: readonly KeywordLine[];
  readonly extras: readonly Extra[];
}

export interface Identity {
  readonly file: string;
  /** ssh ignores an -i whose file does not exist, but not an IdentityFile. */
  readonly by: "flag" | "keyword";
}

export interface SshFlag {
  readonly letter: string;
  readonly value: string | undefined;
}

export interface KeywordLine {
  readonly name: string;
  /** As written in the line, with its quotes. */
  readonly value: string;
}

/**
 * What runs on the server. `implied`: the user did not give -N, and ssh itself would open a shell. `unused`: the words of
 * a command beside -N or -W, which ssh takes and does not run.
 */
export type Remote =
  | { readonly kind: "none"; readonly implied: boolean; readonly unused?: readonly string[] }
  | { readonly kind: "shell" }
  | { readonly kind: "command"; readonly words: readonly string[] };

/** A long option of porthop that ssh does not have: `{ name: "capture", value: "out.pcapng" }`. */
export interface Extra {
  readonly name: string;
  readonly value: string | undefined;
}

/** The names that printed texts use. */
export interface Place {
  /** The name of this machine. */
  readonly here: string;
  /** The name of this machine's loopback interface: `lo`, or `lo0` on macOS and BSD. */
  readonly loopback: string;
  /** The program that carries the connections: ssh or porthop. */
  readonly program: string;
}

/** A tunnel to `host` with these forwards and nothing else. */
export function plainTunnel(host: string, forwards: readonly ForwardSpec[]): SshTunnel {
  return {
    via: "ssh",
    host,
    user: undefined,
    port: undefined,
    jumps: undefined,
    identities: [],
    configFile: undefined,
    forwards,
    flags: [],
    keywords: [],
    terminal: undefined,
    remote: { kind: "none", implied: true },
    extras: [],
  };
}

/** L1, L2, R1, D1 ... in the order given. */
export function forwardIds(forwards: readonly ForwardSpec[]): readonly string[] {
  const counts = new Map<string, number>();
  return forwards.map(({ kind }) => {
    const letter = forwardFlag(kind);
    const count = (counts.get(letter) ?? 0) + 1;
    counts.set(letter, count);
    return `${letter}${count}`;
  });
}

type WithSettings = Pick<SshTunnel, "flags" | "keywords">;

export function hasFlag({ flags }: Pick<WithSettings, "flags">, letter: string): boolean {
  return flags.some((flag) => flag.letter === letter);
}

/** The value that counts, as ssh reads the line: without quotes and comment, but for a command, which is the whole line. */
export function keywordText({ keywords }: Pick<WithSettings, "keywords">, name: string): string | undefined {
  const value = keywords.find((line) => line.name.toLowerCase() === name.toLowerCase())?.value;
  if (value === undefined || /command$/i.test(name)) return value;
  try {
    return splitArguments(value).join(" ");
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    // A keyword that only ssh has is taken as the line stands.
    return value;
  }
}

export function keywordIsOn(settings: WithSettings, name: string): boolean {
  return /^(?:yes|true)$/i.test(keywordText(settings, name) ?? "");
}

/** `-o PorthopCapture=...`: only porthop takes such a keyword. */
export function isPorthops({ name }: KeywordLine): boolean {
  return /^porthop/i.test(name);
}

/** The keywords that ssh takes. */
export function sshKeywords(keywords: readonly KeywordLine[]): readonly KeywordLine[] {
  return keywords.filter((line) => !isPorthops(line));
}

/** Whether the words ask for a shell or a command without naming one behind the host: by -t, RequestTTY or RemoteCommand. */
export function asksForShell({ terminal, keywords }: Pick<SshTunnel, "terminal" | "keywords">): boolean {
  const wish = terminal ?? keywordText({ keywords }, "RequestTTY") ?? "auto";
  if (/^(?:yes|true|force)$/i.test(wish)) return true;
  return (keywordText({ keywords }, "RemoteCommand") ?? "none").toLowerCase() !== "none";
}

/** The command that was typed, whether it runs or not. */
export function commandWords({ remote }: Pick<SshTunnel, "remote">): readonly string[] {
  if (remote.kind === "command") return remote.words;
  return remote.kind === "none" ? (remote.unused ?? []) : [];
}

/** -g, or GatewayPorts: what has no bind address here is open to other machines. */
export function opensGateway(settings: WithSettings): boolean {
  return hasFlag(settings, "g") || keywordIsOn(settings, "GatewayPorts");
}
