/**
 * The settings that hold for a host: the command line first, then ~/.ssh/config or the file of -F, then
 * /etc/ssh/ssh_config. They are put together as in ssh.c's main, with host name and tokens filled in. The test of truth
 * is `ssh -G`.
 */
import { isIP } from "node:net";
import { expandTokens } from "../../codec/config/percent-tokens.ts";
import { parseHost } from "../../codec/host-port.ts";
import { Malformed } from "../../codec/malformed.ts";
import { PorthopError } from "../../errors.ts";
import { visible } from "../../text/terminal-text.ts";
import { defaults } from "../defaults.ts";
import { ConfigReading } from "./config-reading.ts";
import type { ConfigSources } from "./config-sources.ts";
import { connectionTokens, fillTokens, locating, type Tokens } from "./config-tokens.ts";
import type { Keywords } from "./keyword.ts";

export interface EffectiveSettings {
  /** The keywords of the command line, followed by those of the files. */
  readonly keywords: Keywords;
  /** The host to connect to, which is also the name that its host key is known by. */
  readonly host: string;
  /** The values of `%h` and the other tokens. */
  readonly tokens: Tokens;
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
        // A command comes only from a file of the user or of the system, and never from the network.
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

/** Host names have no letter case. An address stays as written. */
function reachedHost(host: string, keywords: Keywords): string {
  const name = namedHost(host, keywords);
  return isIP(name) === 0 ? name.toLowerCase() : name;
}

function namedHost(host: string, keywords: Keywords): string {
  const name = keywords.text("HostName");
  if (name === undefined) return host;
  return invalid(() => locating(keywords, "HostName", () => parseHost(expandTokens(name, { h: host }))));
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
    jumps: keywords.isBefore("ProxyJump", "ProxyCommand") ? (keywords.text("ProxyJump") ?? "") : "",
  };
  return connectionTokens(connection, machine);
}
