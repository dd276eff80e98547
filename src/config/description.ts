/**
 * The words of `run`, or of a pasted ssh, as a description of the tunnel. All flags of ssh are taken, also those that
 * porthop cannot do itself; no file is read, so that what comes out says what the words say and nothing else.
 */

import { parsePort } from "../codec/host-port.ts";
import { Malformed } from "../codec/malformed.ts";
import { type ScannedFlag, scanArgv } from "../codec/words/argv.ts";
import { type Destination, parseDestination, parseUser } from "../codec/words/destination.ts";
import { type ForwardFlag, type ForwardSpec, parseForwardSpec } from "../codec/words/forward-spec.ts";
import { parseJumpList } from "../codec/words/jump-list.ts";
import { quoted, visible } from "../text/terminal-text.ts";
import { aboutSshFlag } from "../tunnel/ssh-flags.ts";
import type { Extra, Identity, KeywordLine, Relay, Remote, SshFlag, SshTunnel } from "../tunnel/tunnel-description.ts";
import { argumentsOf, readKeywordLine } from "./file/keyword-line.ts";
import { named } from "./given.ts";
import { readRelaySettings } from "./relay-settings.ts";
import { runTable } from "./run-flags.ts";
import { asUsage } from "./usage.ts";

export function describeTunnel(words: readonly string[]): SshTunnel {
  return asUsage("porthop run --help shows the flags", () => describe(words));
}

/** The words of `porthop relay`, checked as that command does it. */
export function describeRelay(words: readonly string[]): Relay {
  const { forwards } = readRelaySettings(words);
  const { flags } = scanArgv(words, runTable);
  const reading = new Reading();
  for (const flag of flags) reading.take(flag);
  return {
    via: "nothing",
    forwards: forwards.map(({ spec }) => spec),
    flags: reading.flags,
    keywords: reading.keywords,
    extras: reading.extras,
  };
}

function describe(words: readonly string[]): SshTunnel {
  const { flags, flagsBefore, destination: written, command } = scanArgv(words, runTable);
  if (written === undefined) throw new Malformed("no destination: whom to log in to, [user@]host[:port]");
  const destination = parseDestination(written);
  const reading = new Reading();
  for (const [index, flag] of flags.entries()) {
    if (index === flagsBefore) reading.takeDestination(destination);
    reading.take(flag);
  }
  reading.takeDestination(destination);
  return reading.finish(destination.host, command);
}

/** The flags of ssh that end at once, or steer another ssh. */
const noTunnels = new Set(["G", "O", "Q", "V"]);

/** Nothing today (ssh.c), but for -P, which is one thing to old ssh and another to new ones. */
const withoutMeaning = new Set(["1", "2", "P"]);

class Reading {
  readonly flags: SshFlag[] = [];
  readonly keywords: KeywordLine[] = [];
  readonly extras: Extra[] = [];
  readonly #forwards: ForwardSpec[] = [];
  readonly #identities: Identity[] = [];
  #user: string | undefined;
  #port: number | undefined;
  #jumps: readonly Destination[] | undefined;
  #configFile: string | undefined;
  #terminal: SshTunnel["terminal"];
  #saysNone = false;

  /** As ssh does it: of user, port and way the first counts, of all else the flag before -o (ssh.c, main). */
  take({ flag, value = "", text }: ScannedFlag): void {
    if (flag.length > 1) this.#takeExtra(flag, value);
    else if (flag === "o") this.#takeKeyword(value);
    else if (isForwardFlag(flag)) this.#forwards.push(parseForwardSpec(flag, value));
    else if (flag === "p") this.#port ??= named(`-p ${value}`, () => parsePort(value));
    else if (flag === "l") this.#user ??= parseUser(value);
    else if (flag === "J") this.#takeJumps(value);
    else if (flag === "i") this.#identities.push({ file: nonEmpty(value, text), by: "flag" });
    else if (flag === "F") this.#configFile = value;
    else if (flag === "N" || flag === "T" || flag === "t") this.#takeTerminal(flag);
    else if (noTunnels.has(flag)) throw new Malformed(`-${flag} makes no tunnel: it asks or steers ssh`);
    else if (aboutSshFlag(flag) !== undefined) this.#takeFlag(flag, value, text);
    else if (!withoutMeaning.has(flag) && flag !== "h") throw new Malformed(`${visible(text, 100)}: not known here`);
  }

  /** Where both were said already, the first stays. */
  takeDestination({ user, port }: Destination): void {
    this.#user ??= user;
    this.#port ??= port;
  }

  finish(host: string, command: readonly string[]): SshTunnel {
    const stdio = this.#forwards.filter(({ kind }) => kind === "stdio");
    if (stdio.length > 1) throw new Malformed("-W is given twice: stdin and stdout can only go to one place");
    const remote = this.#remote(command);
    if (stdio.length > 0 && remote.kind === "command") {
      throw new Malformed("-W and a command cannot both have stdin and stdout");
    }
    return {
      via: "ssh",
      host,
      user: this.#user,
      port: this.#port,
      jumps: this.#jumps,
      identities: this.#identities,
      configFile: this.#configFile,
      // ssh.c: -W implies ClearAllForwardings.
      forwards: stdio.length > 0 ? stdio : this.#forwards,
      flags: this.flags,
      keywords: this.keywords,
      terminal: stdio.length > 0 ? undefined : this.#terminal,
      remote,
      extras: this.extras,
    };
  }

  /** Without a command -N is implied, unless a shell is what is left to do. */
  #remote(words: readonly string[]): Remote {
    const type = this.#keyword("SessionType")?.toLowerCase();
    const isNone = this.#saysNone || type === "none";
    if (words.length > 0) {
      if (isNone) throw new Malformed(`-N is for no command, and there is one: ${visible(words.join(" "), 100)}`);
      return { kind: "command", words };
    }
    if (isNone) return { kind: "none", implied: false };
    const wantsTerminal = this.#terminal === "yes" || this.#terminal === "force";
    const isStdio = this.#forwards.some(({ kind }) => kind === "stdio");
    const isShell = wantsTerminal || this.#forwards.length === 0 || this.#keyword("RemoteCommand") !== undefined;
    return isShell && !isStdio ? { kind: "shell" } : { kind: "none", implied: !isStdio };
  }

  #takeExtra(name: string, value: string): void {
    if (name === "help") return;
    this.extras.push({ name, value: runTable.long[name] === "value" ? value : undefined });
  }

  /** -N takes the terminal back, and a second -t wants it even where there is none here (ssh.c). */
  #takeTerminal(flag: string): void {
    if (flag === "N") {
      this.#saysNone = true;
      this.#terminal = undefined;
    } else if (flag === "T") this.#terminal = "no";
    else this.#terminal = this.#terminal === "yes" || this.#terminal === "force" ? "force" : "yes";
  }

  #takeFlag(letter: string, value: string, text: string): void {
    const takesValue = runTable.short[letter] === "value";
    this.flags.push({ letter, value: takesValue ? nonEmpty(value, text) : undefined });
  }

  #takeJumps(text: string): void {
    if (this.#jumps !== undefined) {
      throw new Malformed(`-J ${visible(text, 100)}: jump hosts were named already: all go into one, -J first,second`);
    }
    if (this.#keyword("ProxyCommand") !== undefined) {
      throw new Malformed(`-J ${visible(text, 100)} cannot go with a ProxyCommand`);
    }
    this.#jumps = named(`-J ${text}`, () => parseJumpList(text));
  }

  #takeKeyword(line: string): void {
    const { name, value } = readKeywordLine(line);
    const lower = name.toLowerCase();
    const [first = "", second] = argumentsOf(value);
    if (lower === "user") this.#user ??= parseUser(first);
    else if (lower === "port") this.#port ??= named(`-o Port=${value}`, () => parsePort(first));
    else if (lower === "hostname" && first.startsWith("-"))
      throw new Malformed(`-o HostName=${visible(value, 100)} begins with "-"`);
    else if (lower === "identityfile") this.#identities.push({ file: value, by: "keyword" });
    else if (lower === "proxyjump") this.#takeProxyJump(first);
    else if (lower === "proxycommand") this.#takeProxyCommand(name, value);
    else if (Object.hasOwn(forwardKeywords, lower)) {
      const flag = forwardKeywords[lower] ?? "L";
      this.#forwards.push(parseForwardSpec(flag, second === undefined ? first : `${first}:${second}`));
    } else this.keywords.push({ name, value });
  }

  /** readconf.c, parse_jump: where a way is known already, another one means nothing. */
  #takeProxyJump(text: string): void {
    if (this.#keyword("ProxyCommand") === undefined) this.#jumps ??= parseJumpList(text);
  }

  #takeProxyCommand(name: string, value: string): void {
    if (this.#jumps === undefined || this.#jumps.length === 0) this.keywords.push({ name, value });
  }

  #keyword(name: string): string | undefined {
    return this.keywords.find((line) => line.name.toLowerCase() === name.toLowerCase())?.value;
  }
}

const forwardKeywords: Readonly<Record<string, ForwardFlag>> = {
  localforward: "L",
  remoteforward: "R",
  dynamicforward: "D",
};

function isForwardFlag(flag: string): flag is ForwardFlag {
  return flag === "L" || flag === "R" || flag === "D" || flag === "W";
}

function nonEmpty(value: string, text: string): string {
  if (value === "") throw new Malformed(`${quoted(text)}: the value is missing`);
  return value;
}
