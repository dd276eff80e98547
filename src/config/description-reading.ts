/**
 * Takes the scanned flags of a command line one by one and makes a tunnel description of them. The rules of precedence are
 * those of ssh.c's main. Each value is checked here, so that all commands refuse the same words with the same message.
 */
import type { ConfigLine } from "../codec/config/config-line.ts";
import { splitArguments } from "../codec/config/config-line.ts";
import { Malformed } from "../codec/malformed.ts";
import { parseServicePort } from "../codec/service-port.ts";
import type { ScannedFlag } from "../codec/words/argv.ts";
import { type Destination, parseUser } from "../codec/words/destination.ts";
import { type ForwardFlag, type ForwardSpec, isForwardFlag, parseForwardSpec } from "../codec/words/forward-spec.ts";
import { parseJumpList } from "../codec/words/jump-list.ts";
import { PorthopError } from "../errors.ts";
import { visible } from "../text/terminal-text.ts";
import { aboutSshFlag, flagKeywords } from "../tunnel/ssh-flags.ts";
import {
  asksForShell,
  type Extra,
  hasFlag,
  type Identity,
  type KeywordLine,
  type Relay,
  type Remote,
  type SshFlag,
  type SshTunnel,
} from "../tunnel/tunnel-description.ts";
import { type ForwardKeyword, forwardKeywords, parseConfigForward } from "./file/config-forward.ts";
import { addOption } from "./file/config-value.ts";
import { findKeyword, type Keyword } from "./file/keyword.ts";
import { printKeywordLine, readKeywordLine } from "./file/keyword-line.ts";
import { Keywords } from "./file/keyword-record.ts";
import { findOther } from "./file/other-keywords.ts";
import { readOtherValue } from "./file/other-values.ts";
import { named } from "./flag-in-message.ts";
import { runTable } from "./run-flags.ts";

/** The flags with which ssh prints an answer and ends, or steers another ssh. */
const noTunnels = new Set(["G", "O", "Q", "V"]);

export class DescriptionReading {
  readonly #fillVariables: (text: string) => string;
  readonly #flags: SshFlag[] = [];
  readonly #keywords: KeywordLine[] = [];
  readonly #extras: Extra[] = [];
  readonly #forwards: ForwardSpec[] = [];
  readonly #identities: Identity[] = [];
  #user: string | undefined;
  #port: number | undefined;
  #jumps: readonly Destination[] | undefined;
  #configFile: string | undefined;
  #terminal: SshTunnel["terminal"];
  /** SessionType, by its keyword or by a flag. */
  #session: string | undefined;

  /** `fillVariables` replaces `${NAME}` in a forward before the forward is read (readconf.c, parse_forward). */
  constructor(fillVariables: (text: string) => string) {
    this.#fillVariables = fillVariables;
  }

  /**
   * Adds one flag. Of user, port and way the first value counts, from a flag or from an -o. For other settings a flag
   * wins over an -o. Throws Malformed.
   */
  take({ flag, value = "", text }: ScannedFlag): void {
    if (flag.length > 1) this.#takeExtra(flag, value);
    else if (flag === "o") this.#takeOption(value);
    else if (isForwardFlag(flag)) this.#takeForward(flag, value);
    else if (flag === "p") this.#takePort(named(`-p ${value}`, () => parseServicePort(value)));
    else if (flag === "l") this.#takeUser(parseUser(value));
    else if (flag === "J") this.#takeJumps(value);
    else if (flag === "i") this.#identities.push({ file: nonEmpty(value, text, "file"), by: "flag" });
    else if (flag === "F") this.#configFile = value;
    else if (flag === "N" || flag === "T" || flag === "t") this.#takeTerminal(flag);
    else if (noTunnels.has(flag)) throw noTunnel(flag, value);
    else if (aboutSshFlag(flag) !== undefined) this.#takeFlag(flag, value, text);
    else if (flag !== "h") throw new Malformed(`${visible(text, 100)}: not known here`);
  }

  /** Adds the user and the port of the destination, unless an earlier word gave them. */
  takeDestination({ user, port }: Destination): void {
    if (user !== undefined) this.#takeUser(user);
    if (port !== undefined) this.#takePort(port);
  }

  tunnel(host: string, command: readonly string[]): SshTunnel {
    if (this.#forwards.filter(({ kind }) => kind === "stdio").length > 1) {
      throw new Malformed("-W is given twice: stdin and stdout can only go to one place");
    }
    this.#refuseFlagsOfSsh(command);
    return {
      via: "ssh",
      host,
      user: this.#user,
      port: this.#port,
      jumps: this.#jumps,
      identities: this.#identities,
      configFile: this.#configFile,
      forwards: this.#forwards,
      flags: this.#flags,
      keywords: this.#keywords,
      terminal: this.#isStdio() ? undefined : this.#terminal,
      remote: this.#remote(command),
      extras: this.#extras,
    };
  }

  relay(): Relay {
    return {
      via: "nothing",
      forwards: this.#forwards,
      flags: this.#flags,
      keywords: this.#keywords,
      extras: this.#extras,
    };
  }

  #takeUser(user: string): void {
    this.#user ??= user;
  }

  #takePort(port: number): void {
    this.#port ??= port;
  }

  /** What runs on the server. Without a command -N is implied, unless there are no forwards or a shell is asked for. */
  #remote(words: readonly string[]): Remote {
    const settings = { keywords: this.#keywords, terminal: this.#terminal };
    if (this.#session === "none") {
      return { kind: "none", implied: false, ...(words.length === 0 ? {} : { unused: words }) };
    }
    if (words.length > 0) return { kind: "command", words };
    const isShell = asksForShell(settings) || this.#forwards.length === 0;
    return isShell ? { kind: "shell" } : { kind: "none", implied: true };
  }

  #isStdio(): boolean {
    return this.#forwards.some(({ kind }) => kind === "stdio");
  }

  /** Flags that do not go together (ssh.c, main). */
  #refuseFlagsOfSsh(command: readonly string[]): void {
    const has = (letter: string) => hasFlag({ flags: this.#flags }, letter);
    if (has("y") && has("E")) throw new Malformed("-y and -E: messages can only go to one place");
    if (this.#session === "subsystem" && command.length === 0)
      throw new Malformed("-s: the name of the subsystem is missing");
  }

  /** As in ssh.c's main, -N and -s are refused where an earlier word has said otherwise; -W is not. */
  #takeSession(flag: "N" | "s"): void {
    const wanted = flag === "N" ? "none" : "subsystem";
    if (this.#session !== undefined && this.#session !== wanted) {
      throw new Malformed(`-${flag}: an earlier word asks for another session (${this.#session})`);
    }
    this.#session = wanted;
  }

  #takeForward(flag: ForwardFlag, value: string): void {
    this.#forwards.push(parseForwardSpec(flag, value, this.#fillVariables));
    if (flag === "W") this.#session = "none";
  }

  #takeExtra(name: string, value: string): void {
    if (name === "help") return;
    this.#extras.push({ name, value: runTable.long[name] === "value" ? value : undefined });
  }

  /**
   * -N cancels an earlier -t or -T. A second -t asks for a terminal even when stdin here is none, and a third one is as
   * the first (ssh.c, main).
   */
  #takeTerminal(flag: "N" | "T" | "t"): void {
    if (flag === "N") {
      this.#takeSession(flag);
      this.#terminal = undefined;
    } else if (flag === "T") this.#terminal = "no";
    else this.#terminal = this.#terminal === "yes" ? "force" : "yes";
  }

  #takeFlag(letter: string, value: string, text: string): void {
    if (letter === "1") throw new Malformed("-1: version 1 of the protocol is gone, from ssh too");
    if (letter === "s") this.#takeSession(letter);
    const takesValue = runTable.short[letter] === "value";
    const flag = { letter, value: takesValue ? nonEmpty(value, text, "value") : undefined };
    const checked = new Keywords();
    for (const line of flagKeywords([flag])) {
      const keyword = findKeyword(line.name);
      const other = findOther(line.name);
      if (keyword !== undefined) checked.put(keyword, line.value);
      else if (other !== undefined) readOtherValue(`-${letter}`, other.shape, oneArgument(line));
    }
    this.#flags.push(flag);
  }

  #takeJumps(text: string): void {
    if (this.#jumps !== undefined) {
      throw new Malformed(`-J ${visible(text, 100)}: jump hosts were named already: all go into one, -J first,second`);
    }
    if (this.#isSaid("ProxyCommand")) throw new Malformed(`-J ${visible(text, 100)} cannot go with a ProxyCommand`);
    this.#jumps = named(`-J ${text}`, () => parseJumpList(text));
  }

  /** A keyword that porthop does not know is kept as it stands: ssh may know the keyword. */
  #takeOption(text: string): void {
    const line = readKeywordLine(text);
    const keyword = findKeyword(line.name);
    const read = new Keywords();
    if (keyword !== undefined || findOther(line.name) !== undefined) addOption(read, printKeywordLine(line));
    if (keyword === undefined) {
      refuseMisquoted(line);
      this.#keywords.push(line);
      return;
    }
    const value = read.text(keyword) ?? "";
    if (keyword === "SessionType") this.#session ??= value.toLowerCase();
    if (keyword === "User") this.#takeUser(parseUser(value));
    else if (keyword === "Port") this.#takePort(Number(value));
    else if (keyword === "IdentityFile") this.#identities.push({ file: line.value, by: "keyword" });
    else if (keyword === "ProxyJump") this.#takeProxyJump(value);
    else if (isForwardKeyword(keyword)) this.#forwards.push(parseConfigForward(keyword, value, this.#fillVariables));
    else if (keyword !== "ProxyCommand" || this.#jumps === undefined) this.#keywords.push(line);
  }

  /** A ProxyJump after another ProxyJump, a -J or a ProxyCommand means nothing (readconf.c, parse_jump). */
  #takeProxyJump(text: string): void {
    if (!this.#isSaid("ProxyCommand")) this.#jumps ??= parseJumpList(text);
  }

  #isSaid(name: string): boolean {
    return this.#keywords.some((line) => line.name === name);
  }
}

function isForwardKeyword(keyword: Keyword): keyword is ForwardKeyword {
  return forwardKeywords.some((each) => each === keyword);
}

/** ssh cuts every value into words, also that of a command, and refuses an open quote and a value of no words (readconf.c). */
function refuseMisquoted({ name, value }: KeywordLine): void {
  const words = named(`-o ${name}`, () => splitArguments(value));
  if (words.length === 0) throw new Malformed(`-o ${name}=${visible(value, 100)}: the value is missing`);
}

function noTunnel(flag: string, value: string): Error {
  const message = `-${flag} makes no tunnel: it asks or steers ssh`;
  const hints: Readonly<Record<string, string>> = {
    G: "porthop explain lists what the configuration files give; ssh -G lists all settings",
    O: `a connection that ssh shares is ssh's: ssh -O ${visible(value, 50)}`,
    Q: `ssh -Q ${visible(value, 50)} lists what ssh knows`,
    V: "porthop --version says which porthop it is",
  };
  return new PorthopError("usage", message, { hint: hints[flag] });
}

/** The value of a flag is not cut into words. */
function oneArgument({ name, value }: KeywordLine): ConfigLine {
  return { keyword: name, arguments: [value], rest: value };
}

function nonEmpty(value: string, text: string, what: string): string {
  if (value === "") throw new Malformed(`${visible(text, 100)}: the ${what} is missing`);
  return value;
}
