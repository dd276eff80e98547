/**
 * The settings that hold for a host: the command line first, then ~/.ssh/config or the file of -F, then
 * /etc/ssh/ssh_config. They are put together as in ssh.c's main, with host name and tokens filled in. The test of truth
 * is `ssh -G`.
 */
import { expandTokens, expandTokensAndVariables } from "../../codec/config/percent-tokens.ts";
import { parseTrustedName } from "../../codec/host-port.ts";
import { Malformed } from "../../codec/malformed.ts";
import { usualAddress } from "../../codec/usual-address.ts";
import { PorthopError } from "../../errors.ts";
import { visible } from "../../text/terminal-text.ts";
import { defaults } from "../defaults.ts";
import { readWay } from "../way-settings.ts";
import type { SessionType } from "./config-match.ts";
import { ConfigReading } from "./config-reading.ts";
import type { ConfigSources } from "./config-sources.ts";
import { connectionTokens, fillTokens, fillUser, locating, type Tokens } from "./config-tokens.ts";
import type { Keywords } from "./keyword-record.ts";

export interface EffectiveSettings {
  /** The keywords of the command line, followed by those of the files. */
  readonly keywords: Keywords;
  /** The host to connect to, which is also the name that its host key is known by. */
  readonly host: string;
  /** The values of `%h` and the other tokens. */
  readonly tokens: Tokens;
}

/** What the command line asks for and no keyword says: `Match sessiontype` and `Match command` look at it. */
export interface Asked {
  readonly command: string;
  readonly sessionType: SessionType;
}

/** Of a jump host, as of `ssh -W`: only its connections are wanted. */
export const connectionsOnly: Asked = { command: "", sessionType: "none" };

/** Whose settings are read: the typed name of the host, and what is wanted of it. */
interface Wanted {
  readonly host: string;
  readonly asked: Asked;
  /** The value of -F; it replaces both files. */
  readonly file: string | undefined;
}

/**
 * `host` is the typed name. The values of the files are added to `commandLine`; for a jump host, `commandLine` is empty
 * or has only the user and port. `file` is the value of -F and replaces both files. Throws a PorthopError when a file
 * is wrong.
 */
export function effectiveSettings(
  host: string,
  commandLine: Keywords,
  sources: ConfigSources,
  file?: string | undefined,
  asked: Asked = connectionsOnly,
): EffectiveSettings {
  const reading = new ConfigReading(sources, commandLine);
  const wanted = { host, asked, file };
  readAll(reading, commandLine, sources, wanted, undefined);
  const reached = reachedHost(host, commandLine);
  if (reading.wantsFinal) readAll(reading, commandLine, sources, wanted, reached);
  if (commandLine.text("HostName") !== undefined || reached !== host) commandLine.put("HostName", reached);
  const alias = commandLine.text("HostKeyAlias");
  if (alias !== undefined) commandLine.put("HostKeyAlias", alias.toLowerCase());
  const tokensNow = () => tokensOf(reached, host, host, commandLine, sources);
  invalid(() => fillUser(commandLine, tokensNow(), sources.machine));
  const tokens = tokensNow();
  invalid(() => fillTokens(commandLine, tokens, sources.machine));
  return { keywords: commandLine, host: reached, tokens };
}

/** `final` is the host's final name, with which the files are read a second time. */
function readAll(
  reading: ConfigReading,
  keywords: Keywords,
  sources: ConfigSources,
  { host, asked, file }: Wanted,
  final: string | undefined,
): void {
  const { machine } = sources;
  const reached = () => final ?? namedHost(host, keywords);
  const tokens = () => tokensOf(reached(), host, reached(), keywords, sources);
  const subject = {
    host: final ?? host,
    isFinal: final !== undefined,
    fillInclude: (path: string) => expandTokensAndVariables(path, tokens(), machine.environment),
    match: () => ({
      host: reached(),
      originalHost: host,
      user: keywords.text("User") ?? machine.user,
      localUser: machine.user,
      command: asked.command,
      sessionType: sessionTypeOf(keywords, asked),
      fill: (command: string) => expandTokens(command, tokens()),
      // A command comes only from a file of the user or of the system, and never from the network.
      succeeds: (command: string) => sources.succeeds(command),
    }),
  };
  if (file === undefined) {
    const missing = reading.read(sources.userFile, { isUser: true, isPrivate: true }, subject);
    if (missing !== undefined && !missing.isMissing && final === undefined) {
      keywords.warnings.push(`cannot read ${visible(sources.userFile, 200)}: ${missing.why}`);
    }
    reading.read(sources.systemFile, { isUser: false, isPrivate: false }, subject);
  } else if (file.toLowerCase() !== "none") {
    const missing = reading.read(file, { isUser: true, isPrivate: false }, subject);
    if (missing === undefined) return;
    throw new PorthopError("file.cannot-read", `cannot read the configuration ${visible(file, 200)}: ${missing.why}`);
  }
}

/** A SessionType that was read so far counts first (readconf.c, match_cfg_line). */
function sessionTypeOf(keywords: Keywords, { sessionType }: Asked): SessionType {
  const said = keywords.text("SessionType")?.toLowerCase();
  return said === "none" || said === "subsystem" ? said : sessionType;
}

/** An address in its usual form, or a name in small letters: names have no letter case (ssh.c, main). */
function reachedHost(host: string, keywords: Keywords): string {
  const name = namedHost(host, keywords);
  return usualAddress(name) ?? (/[%:]/.test(name) ? name : name.toLowerCase());
}

function namedHost(host: string, keywords: Keywords): string {
  const name = keywords.text("HostName");
  if (name === undefined) return host;
  return invalid(() => locating(keywords, "HostName", () => parseTrustedName(expandTokens(name, { h: host }))));
}

/** The command line was checked before, so an error here comes from a value that was filled in. */
function invalid<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    throw new PorthopError("config.invalid", error.message, { cause: error });
  }
}

function tokensOf(
  host: string,
  originalHost: string,
  keyName: string,
  keywords: Keywords,
  { machine }: ConfigSources,
): Tokens {
  const connection = {
    host,
    originalHost,
    keyName: keywords.text("HostKeyAlias") ?? keyName,
    port: keywords.text("Port") ?? String(defaults.port),
    user: keywords.text("User") ?? machine.user,
    // The host of the last jump without its user and port (readconf.c, parse_jump).
    jump: readWay(keywords).jumps.at(-1)?.host ?? "",
  };
  return connectionTokens(connection, machine);
}
