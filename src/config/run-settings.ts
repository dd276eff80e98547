/**
 * The words of `porthop run` as settings: flags and -o keywords put together as ssh does it, checked, with defaults.
 * Nothing is opened or connected here; whatever is wrong with the words is a usage error that names the word.
 */
import { type ScannedFlag, scanArgv } from "../codec/argv.ts";
import { type Destination, parseDestination, parseUser } from "../codec/destination.ts";
import { type ForwardSpec, parseForwardSpec } from "../codec/forward-spec.ts";
import { parsePort } from "../codec/host-port.ts";
import { Malformed } from "../codec/malformed.ts";
import { type PluginSpec, parsePluginSpec } from "../codec/plugin-spec.ts";
import { visible } from "../codec/terminal-text.ts";
import { parseDuration } from "../codec/units.ts";
import { PorthopError } from "../errors.ts";
import { type Forward, nameForwards } from "./forward.ts";
import { Keywords, longestTimerMs } from "./keyword.ts";
import { isMissing, porthopFlags, runTable } from "./run-flags.ts";

export interface RunSettings {
  readonly help: boolean;
  readonly destination: Destination;
  readonly forwards: readonly Forward[];
  readonly keywords: Keywords;
  /** -i, in the order given. */
  readonly identityFiles: readonly string[];
  readonly plugins: readonly PluginSpec[];
  readonly logLevel: "silent" | "error" | "warn" | "info" | "debug";
  /** -vv: ssh2's own trace too. */
  readonly trace: boolean;
  readonly json: boolean;
  /** -f */
  readonly background: boolean;
  readonly graceMs: number;
  readonly nagleCure: boolean;
}

export function readRunSettings(words: readonly string[]): RunSettings {
  try {
    return readWords(words);
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    throw new PorthopError("usage", error.message, { hint: "porthop run --help shows the flags", cause: error });
  }
}

function readWords(words: readonly string[]): RunSettings {
  const { flags, destination, command } = scanArgv(words, runTable);
  const given = new Given(flags);
  const help = given.has("h") || given.has("help");
  given.refuseMissing();
  if (!help && destination === undefined) throw new Malformed("no destination: whom to log in to, [user@]host[:port]");
  if (command.length > 0) {
    throw new Malformed(`porthop cannot run a remote command yet: ${visible(command.join(" "), 100)}`);
  }
  const keywords = readKeywords(given);
  const plugins = [...given.inOrder()].flatMap(pluginOf);
  refuseShared(plugins, given);
  return {
    help,
    destination: withFlags(parseDestination(destination ?? "localhost"), keywords),
    forwards: nameForwards(given.values("L").map(readForward), given.has("g") || keywords.flag("GatewayPorts", false)),
    keywords,
    identityFiles: given.values("i"),
    plugins: captureOptions(plugins, given),
    logLevel: readLevel(given, keywords),
    trace: given.count("v") > 1 || /^debug[23]$/.test(keywords.text("LogLevel")?.toLowerCase() ?? ""),
    json: given.has("json"),
    background: given.has("f"),
    graceMs: graceOf(given.last("grace") ?? "5s"),
    nagleCure: !given.has("no-nagle-cure"),
  };
}

function readForward(text: string): ForwardSpec {
  const spec = parseForwardSpec("L", text);
  if (spec.listen !== undefined && "path" in spec.listen) {
    throw new Malformed(`-L ${visible(text, 200)}: porthop cannot listen on a unix socket yet`);
  }
  return spec;
}

class Given {
  readonly #flags: readonly ScannedFlag[];

  constructor(flags: readonly ScannedFlag[]) {
    this.#flags = flags;
  }

  inOrder(): readonly ScannedFlag[] {
    return this.#flags;
  }

  has(flag: string): boolean {
    return this.count(flag) > 0;
  }

  count(flag: string): number {
    return this.#flags.filter((each) => each.flag === flag).length;
  }

  values(flag: string): readonly string[] {
    return this.#flags.flatMap((each) => (each.flag === flag && each.value !== undefined ? [each.value] : []));
  }

  last(flag: string): string | undefined {
    return this.values(flag).at(-1);
  }

  refuseMissing(): void {
    const missing = this.#flags.find(({ flag }) => flag.length === 1 && isMissing(flag));
    if (missing !== undefined) {
      throw new Malformed(`porthop does not have ssh's flag -${missing.flag} yet (${visible(missing.text, 100)})`);
    }
    const file = this.values("F").find((name) => name !== "none");
    if (file !== undefined) {
      throw new Malformed(`-F ${visible(file, 200)}: porthop does not read configuration files yet, only -F none`);
    }
  }
}

/** The flags that stand for a keyword, each as ssh.c sets it, in the order given: the first value wins. */
function readKeywords(given: Given): Keywords {
  const keywords = new Keywords();
  for (const { flag, value, text } of given.inOrder()) {
    const needed = value ?? "";
    if (flag === "o") keywords.addLine(needed);
    else if (flag === "p") keywords.add("Port", String(portOf(needed)));
    else if (flag === "l") keywords.add("User", parseUser(needed));
    else if (flag === "c") keywords.add("Ciphers", needed);
    else if (flag === "m") keywords.add("MACs", needed);
    else if (flag === "4") keywords.add("AddressFamily", "inet");
    else if (flag === "6") keywords.add("AddressFamily", "inet6");
    else if (flag === "C") keywords.add("Compression", "yes");
    else if (flag === "i" && needed === "") throw new Malformed(`${visible(text)}: the file is missing`);
  }
  return keywords;
}

function portOf(text: string, written = `-p ${text}`): number {
  return named(written, () => parsePort(text));
}

function graceOf(text: string): number {
  return Math.min(
    longestTimerMs,
    named(`--grace ${text}`, () => parseDuration(text)),
  );
}

/** A value's own parser does not know which flag it belongs to. */
function named<T>(written: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof Malformed ? new Malformed(`${visible(written, 100)}: ${error.message}`) : error;
  }
}

/** A flag or keyword is stronger than what the destination says. */
function withFlags(destination: Destination, keywords: Keywords): Destination {
  const port = keywords.text("Port");
  const user = keywords.text("User");
  return {
    host: destination.host,
    port: port === undefined ? destination.port : portOf(port, `-o Port=${port}`),
    user: user === undefined ? destination.user : parseUser(user),
  };
}

function readLevel(given: Given, keywords: Keywords): RunSettings["logLevel"] {
  const levels = ["silent", "error", "warn", "info", "debug"] as const;
  const wanted = given.last("log");
  if (wanted !== undefined) {
    const level = levels.find((each) => each === wanted);
    if (level === undefined) throw new Malformed(`--log ${visible(wanted, 50)}: not one of ${levels.join(", ")}`);
    return level;
  }
  if (given.has("q")) return "error";
  if (given.has("v")) return "debug";
  const named = keywords.text("LogLevel")?.toLowerCase();
  if (named === undefined || named === "info" || named === "verbose") return "info";
  if (named === "quiet") return "silent";
  return named === "fatal" || named === "error" ? "error" : "debug";
}

/** --use, --rate-limit and --capture make the chain, in the order given. */
function pluginOf({ flag, value = "" }: ScannedFlag): readonly PluginSpec[] {
  if (flag === "use") return [parsePluginSpec(value)];
  if (flag === "rate-limit") return [{ name: "limit", isFile: false, options: new Map([["rate", value]]) }];
  if (flag === "capture") return [{ name: "capture", isFile: false, options: new Map([["file", value]]) }];
  return [];
}

/** Events between the blocks of a capture would spoil both. */
function refuseShared(plugins: readonly PluginSpec[], given: Given): void {
  const isOut = plugins.some(({ name, options }) => name === "capture" && options.get("file") === "-");
  if (isOut && given.has("json")) throw new Malformed("--json and --capture - cannot both have stdout");
}

/** --capture-legs and --capture-snaplen belong to the capture, wherever they stand. */
function captureOptions(plugins: readonly PluginSpec[], given: Given): readonly PluginSpec[] {
  const more = new Map<string, string>();
  const legs = given.last("capture-legs");
  const snaplen = given.last("capture-snaplen");
  if (legs !== undefined) more.set("legs", legs);
  if (snaplen !== undefined) more.set("snaplen", snaplen);
  if (more.size === 0) return plugins;
  if (!plugins.some(({ name }) => name === "capture")) {
    const flag = porthopFlags.find(({ name }) => name === (legs === undefined ? "capture-snaplen" : "capture-legs"));
    throw new Malformed(`--${flag?.name} needs --capture FILE`);
  }
  return plugins.map((plugin) =>
    plugin.name === "capture" ? { ...plugin, options: new Map([...plugin.options, ...more]) } : plugin,
  );
}
