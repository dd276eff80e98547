/**
 * The flags of `run`: ssh's own letters with ssh's arity, and porthop's long options. One table feeds the scanner, the
 * help and the message for a flag of ssh's that porthop does not have.
 */
import { formatDuration } from "../codec/units.ts";
import type { FlagTable, Takes } from "../codec/words/argv.ts";
import { defaults } from "./defaults.ts";

export interface RunFlag {
  /** `L` or `capture`. */
  readonly name: string;
  /** The name of the flag's value in the help; undefined for a flag without a value. */
  readonly value?: string;
  readonly about: string;
}

export const sshFlags: readonly RunFlag[] = [
  {
    name: "L",
    value: "[bind:]port:host:hostport",
    about: "forward a port here to host:hostport as the server sees it",
  },
  {
    name: "R",
    value: "[bind:]port:host:hostport",
    about: "forward a port of the server to host:hostport here; [bind:]port alone: a proxy",
  },
  { name: "D", value: "[bind:]port", about: "SOCKS and HTTP proxy here; the server connects" },
  { name: "W", value: "host:port", about: "stdin and stdout to host:port as the server sees it" },
  { name: "J", value: "[user@]host[:port],...", about: "jump hosts on the way to sshd, in the order they are passed" },
  { name: "p", value: "port", about: "sshd's port" },
  { name: "l", value: "user", about: "log in as this user" },
  { name: "i", value: "file", about: "private key to log in with (repeatable)" },
  { name: "o", value: "Keyword=value", about: "an option as in ssh_config (repeatable)" },
  { name: "F", value: "file", about: "configuration file in place of ~/.ssh/config; none for no file" },
  { name: "b", value: "address", about: "connect from this address of this machine" },
  { name: "B", value: "interface", about: "connect from the address of this interface" },
  { name: "c", value: "ciphers", about: "ciphers, in order of preference" },
  { name: "m", value: "MACs", about: "message authentication codes, in order of preference" },
  { name: "P", value: "tag", about: "the tag that Match tagged of the configuration looks at" },
  { name: "4", about: "IPv4 only" },
  { name: "6", about: "IPv6 only" },
  { name: "C", about: "compress" },
  { name: "g", about: "let other hosts connect to forwarded ports" },
  { name: "f", about: "go to the background once the forwards are up" },
  { name: "N", about: "no remote command (so it is when none is given)" },
  { name: "t", about: "a terminal for the command, or a shell; twice also where there is none here" },
  { name: "T", about: "no terminal" },
  { name: "n", about: "the command reads nothing of stdin" },
  { name: "e", value: "char", about: `escape character of a terminal (${defaults.escapeCharacter}), or none` },
  { name: "A", about: "let the command use the ssh-agent here" },
  { name: "a", about: "no agent forwarding" },
  { name: "X", about: "let the command show windows here, as an untrusted program" },
  { name: "Y", about: "the same with all rights" },
  { name: "x", about: "no X11 forwarding" },
  { name: "q", about: "quiet: errors only" },
  {
    name: "E",
    value: "file",
    about: "write what porthop says into this file, each line with its time, behind what is there",
  },
  { name: "h", about: "this help; also --help" },
  { name: "v", about: "more to read; twice for ssh2's own trace" },
];

export const porthopFlags: readonly RunFlag[] = [
  { name: "capture", value: "FILE", about: "write the three TCP connections to a .pcapng or .pcap file, - for stdout" },
  { name: "capture-legs", value: "1,2,3", about: "which of them" },
  { name: "capture-snaplen", value: "N", about: "how many bytes of each packet to keep" },
  { name: "rate-limit", value: "RATE", about: "500KB/s, 10MB/s, 8Mbit/s: up and down each, for each flow" },
  { name: "use", value: "NAME[:key=value,...]", about: "add a plugin, or a file ./mine.ts, to the chain (repeatable)" },
  { name: "log", value: "LEVEL", about: "silent, error, warn, info (default) or debug" },
  {
    name: "allow-from",
    value: "CIDR[,CIDR...]",
    about: "only these networks and addresses may connect to ports here (repeatable)",
  },
  { name: "json", about: "events on stdout, one JSON object a line" },
  {
    name: "grace",
    value: "DURATION",
    about: `how long open flows may finish at the end (${formatDuration(defaults.graceMs)})`,
  },
  {
    name: "reconnect",
    value: "never|auto|always",
    about: `connect again when the session is lost (${defaults.reconnect}); always: the first time too`,
  },
  {
    name: "hold",
    value: "DURATION",
    about: `how long a new connection waits for a lost session: 250ms, 10s, 2m (${formatDuration(defaults.holdMs)}); 0: not at all`,
  },
  { name: "sessions", value: "N", about: `that many SSH connections share the work, 1 to 8 (${defaults.sessions})` },
  { name: "fallback", value: "DESTINATION", about: "tried when the destination cannot be reached (repeatable)" },
  { name: "check-target", about: "ready only after each target was reached: it sees a connection that ends at once" },
  { name: "help", about: "this help" },
  { name: "ask-server", about: "small commands may run on the server: where it listens is asked there" },
  { name: "no-nagle-cure", about: "accepted, and does nothing any more: the cure needs no command on the server" },
];

/**
 * The other flags of ssh (ssh.c, main): some ask for what porthop does anyway, the others are refused by name. With their
 * arity the scanner does not misread a value.
 */
const others: Readonly<Record<string, Takes>> = {
  ...letters("IOQSw", "value"),
  ...letters("12GKkMsVy", "nothing"),
};

export const runTable: FlagTable = {
  short: { ...arities(sshFlags), ...others },
  long: arities(porthopFlags),
};

/** The flags of run that `relay` has too, because they mean something without a session. */
const relayLetters = new Set(["L", "g", "4", "6", "f", "o", "q", "v", "E", "h"]);
const needSession = new Set([
  "reconnect",
  "hold",
  "sessions",
  "fallback",
  "check-target",
  "no-nagle-cure",
  "ask-server",
]);

export const relayFlags: { readonly short: readonly RunFlag[]; readonly long: readonly RunFlag[] } = {
  short: sshFlags.filter(({ name }) => relayLetters.has(name)).map(asInRelay),
  long: porthopFlags.filter(({ name }) => !needSession.has(name)).map(asInRelay),
};

/** `check` takes all flags of run, and these change nothing there: it makes one session, to the destination, once. */
const onlyRun = new Set(["reconnect", "hold", "sessions", "fallback", "check-target"]);

/** The flags with two dashes that the help of `check` shows. */
export const checkFlags: readonly RunFlag[] = porthopFlags.filter(({ name }) => !onlyRun.has(name));

/** A relay has no leg 2 and no ssh2. */
function asInRelay(flag: RunFlag): RunFlag {
  if (flag.name === "L") return { ...flag, about: "forward a port here to host:hostport" };
  if (flag.name === "v") return { ...flag, about: "more to read" };
  if (flag.name === "capture") return { ...flag, about: flag.about.replace("the three", "both") };
  return flag.name === "capture-legs" ? { ...flag, value: "1,3" } : flag;
}

function arities(flags: readonly RunFlag[]): Record<string, Takes> {
  return Object.fromEntries(flags.map(({ name, value }) => [name, value === undefined ? "nothing" : "value"]));
}

function letters(text: string, takes: Takes): Record<string, Takes> {
  return Object.fromEntries([...text].map((letter) => [letter, takes]));
}
