/**
 * What holds for a host: the command line first, then ~/.ssh/config or the file of -F, then /etc/ssh/ssh_config, put
 * together as ssh.c's main does it, with host name and tokens filled in. `ssh -G` is the judge.
 */
import { isIP } from "node:net";
import { expandTokens } from "../../codec/config/percent-tokens.ts";
import { parseHost } from "../../codec/host-port.ts";
import { Malformed } from "../../codec/malformed.ts";
import { PorthopError } from "../../errors.ts";
import { visible } from "../../text/terminal-text.ts";
import { ConfigReading } from "./config-reading.ts";
import type { ConfigSources } from "./config-sources.ts";
import { connectionTokens, fillTokens, locating, type Tokens } from "./config-tokens.ts";
import type { Keywords } from "./keyword.ts";

export interface EffectiveSettings {
  /** The keywords of the command line, with those of the files behind them. */
  readonly keywords: Keywords;
  /** Whom to connect to, and under which name its host key is known. */
  readonly host: string;
  /** What `%h` and its like stand for. */
  readonly tokens: Tokens;
}

/**
 * `host` is as it was typed. `commandLine` is filled up with what the files say; for a jump host it is an empty one, or
 * has its user and port. `file` is -F, in place of both files.
 */
export function effectiveSettings(
  host: string,
  commandLine: Keywords,
  sources: ConfigSources,
  file?: string | undefined,
): EffectiveSettings {
  const reading = new ConfigReading(sources, commandLine);
  readAll(reading, commandLine, sources, file, host, host, false);
  const reached = reachedHost(host, commandLine);
  if (reading.wantsFinal) readAll(reading, commandLine, sources, file, reached, host, true);
  if (commandLine.text("HostName") !== undefined || reached !== host) commandLine.put("HostName", reached);
  const alias = commandLine.text("HostKeyAlias");
  if (alias !== undefined) commandLine.put("HostKeyAlias", alias.toLowerCase());
  const tokens = tokensOf(reached, host, host, commandLine, sources);
  invalid(() => fillTokens(commandLine, tokens, sources.machine));
  return { keywords: commandLine, host: reached, tokens };
}

function readAll(
  reading: ConfigReading,
  keywords: Keywords,
  sources: ConfigSources,
  file: string | undefined,
  host: string,
  originalHost: string,
  isFinal: boolean,
): void {
  const subject = {
    host,
    isFinal,
    match: () => {
      const reached = isFinal ? host : namedHost(host, keywords);
      return {
        host: reached,
        originalHost,
        user: keywords.text("User") ?? sources.machine.user,
        localUser: sources.machine.user,
        // Only what stands in a file of the user's own is run: nothing here came from a network.
        succeeds: (command: string) =>
          sources.succeeds(expandTokens(command, tokensOf(reached, originalHost, reached, keywords, sources))),
      };
    },
  };
  if (file === undefined) {
    const missing = reading.read(sources.userFile, { isUser: true, isPrivate: true }, subject);
    if (missing !== undefined && !missing.isMissing && !isFinal) {
      keywords.warnings.push(`cannot read ${visible(sources.userFile, 200)}: ${missing.why}`);
    }
    reading.read(sources.systemFile, { isUser: false, isPrivate: false }, subject);
  } else if (file.toLowerCase() !== "none") {
    const missing = reading.read(file, { isUser: true, isPrivate: false }, subject);
    if (missing === undefined) return;
    throw new PorthopError("file.cannot-read", `cannot read the configuration ${visible(file, 200)}: ${missing.why}`);
  }
}

/** Names have no case; an address stays as it was written. */
function reachedHost(host: string, keywords: Keywords): string {
  const name = namedHost(host, keywords);
  return isIP(name) === 0 ? name.toLowerCase() : name;
}

function namedHost(host: string, keywords: Keywords): string {
  const name = keywords.text("HostName");
  if (name === undefined) return host;
  return invalid(() => locating(keywords, "HostName", () => parseHost(expandTokens(name, { h: host }))));
}

/** The words of the command line are right by themselves: it is what they are filled in with that is not. */
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
    port: keywords.text("Port") ?? "22",
    user: keywords.text("User") ?? machine.user,
    jumps: keywords.isBefore("ProxyJump", "ProxyCommand") ? (keywords.text("ProxyJump") ?? "") : "",
  };
  return connectionTokens(connection, machine);
}
