/**
 * One description of a tunnel: what was asked for, without the words it was asked with. From it come all commands, files,
 * pictures and explanations, and to it a pasted command is read. Plain data; nothing in it was looked up anywhere.
 */
import type { Destination } from "../codec/words/destination.ts";
import { type ForwardSpec, forwardFlag } from "../codec/words/forward-spec.ts";

export type TunnelDescription = SshTunnel | Relay;

export interface SshTunnel {
  readonly via: "ssh";
  /** As it was typed; may be an alias of ssh_config. */
  readonly host: string;
  readonly user: string | undefined;
  readonly port: number | undefined;
  /** In the order in which they are passed. Empty when none is wanted whatever the configuration says. */
  readonly jumps: readonly Destination[] | undefined;
  /** In the order in which they are offered. */
  readonly identities: readonly Identity[];
  /** -F */
  readonly configFile: string | undefined;
  readonly forwards: readonly ForwardSpec[];
  /** All other flags of ssh, in the order given. */
  readonly flags: readonly SshFlag[];
  /** All other -o settings, in the order given: of two that say the same the first one counts, and the flag before both. */
  readonly keywords: readonly KeywordLine[];
  /** -T, -t and -tt. */
  readonly terminal: "no" | "yes" | "force" | undefined;
  readonly remote: Remote;
  readonly extras: readonly Extra[];
}

/** No ssh at all: from here to where this machine can connect itself. */
export interface Relay {
  readonly via: "nothing";
  readonly forwards: readonly ForwardSpec[];
  readonly flags: readonly SshFlag[];
  readonly keywords: readonly KeywordLine[];
  readonly extras: readonly Extra[];
}

export interface Identity {
  readonly file: string;
  /** -i is passed over when there is no such file, IdentityFile is not. */
  readonly by: "flag" | "keyword";
}

export interface SshFlag {
  readonly letter: string;
  readonly value: string | undefined;
}

export interface KeywordLine {
  readonly name: string;
  /** As it stands in the line, with its quotes. */
  readonly value: string;
}

/** What runs on the server. `implied` when nobody said -N: ssh alone would open a shell. */
export type Remote =
  | { readonly kind: "none"; readonly implied: boolean }
  | { readonly kind: "shell" }
  | { readonly kind: "command"; readonly words: readonly string[] };

/** A long option of porthop's, which ssh has no word for: `{ name: "capture", value: "out.pcapng" }`. */
export interface Extra {
  readonly name: string;
  readonly value: string | undefined;
}

/** What the texts call things by. */
export interface Place {
  /** The name of this machine. */
  readonly here: string;
  /** What its loopback interface is called: `lo`, or `lo0` on macOS and BSD. */
  readonly loopback: string;
  /** Who carries: ssh or porthop. */
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

/** The value that counts, without the quotes around it. */
export function keywordText({ keywords }: Pick<WithSettings, "keywords">, name: string): string | undefined {
  const value = keywords.find((line) => line.name.toLowerCase() === name.toLowerCase())?.value;
  return value === undefined ? undefined : /^("[^"]*"|'[^']*')$/.test(value) ? value.slice(1, -1) : value;
}

export function keywordIsOn(settings: WithSettings, name: string): boolean {
  return /^(?:yes|true)$/i.test(keywordText(settings, name) ?? "");
}

/** Whether an -o says what the server runs. */
export function hasRemoteCommand({ keywords }: Pick<SshTunnel, "keywords">): boolean {
  return (keywordText({ keywords }, "RemoteCommand") ?? "none").toLowerCase() !== "none";
}

/** -g, or GatewayPorts: what has no bind address here is open to other machines. */
export function opensGateway(settings: WithSettings): boolean {
  return hasFlag(settings, "g") || keywordIsOn(settings, "GatewayPorts");
}
