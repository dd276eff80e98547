/**
 * Adds the configuration files to the words of `run`: their keywords, their forwards, and what they
 * say of the jump hosts on the way and of the fallbacks.
 */

import { expandTokens, expandVariables } from "../codec/config/percent-tokens.ts";
import { parsePort } from "../codec/host-port.ts";
import type { Destination } from "../codec/words/destination.ts";
import { asksForShell, type Identity, type SshTunnel } from "../tunnel/tunnel-description.ts";
import { defaults } from "./defaults.ts";
import { fillPaths, forwardKeywords, parseConfigForward } from "./file/config-forward.ts";
import type { ConfigSources } from "./file/config-sources.ts";
import type { Keyword } from "./file/keyword.ts";
import { Keywords } from "./file/keyword-record.ts";
import { type Asked, connectionsOnly, effectiveSettings } from "./file/ssh-config.ts";
import { named } from "./flag-in-message.ts";
import type { ConfiguredForwards } from "./forward.ts";
import { readWay, type WaySettings } from "./way-settings.ts";

export interface RunConfiguration {
  readonly forwards: ConfiguredForwards;
  hopSettings(jump: Destination): HopSettings;
  fallbackSettings(fallback: Destination): HopSettings;
}

/** The settings of one jump host, or of one fallback. */
export interface HopSettings {
  readonly destination: Destination;
  readonly keywords: Keywords;
  readonly identityFiles: readonly string[];
  /** The jump hosts or the ProxyCommand on the way to this host. */
  readonly way: WaySettings;
}

/**
 * Keywords of the command line that also count for a jump host when the files say nothing else. ssh passes none
 * of its flags on to a jump host.
 */
const handedDown: readonly Keyword[] = [
  "AddKeysToAgent",
  "AddressFamily",
  "BatchMode",
  "BindAddress",
  "BindInterface",
  "CertificateFile",
  "ConnectTimeout",
  "ConnectionAttempts",
  "GlobalKnownHostsFile",
  "HashKnownHosts",
  "IdentitiesOnly",
  "IdentityAgent",
  "IdentityFile",
  "KbdInteractiveAuthentication",
  "NumberOfPasswordPrompts",
  "PasswordAuthentication",
  "PreferredAuthentications",
  "PubkeyAcceptedAlgorithms",
  "PubkeyAuthentication",
  "RequiredRSASize",
  "RevokedHostKeys",
  "ServerAliveCountMax",
  "ServerAliveInterval",
  "StrictHostKeyChecking",
  "TCPKeepAlive",
  "UpdateHostKeys",
  "UserKnownHostsFile",
];

/**
 * Those that also count for a fallback when its files say nothing else. It does the work of the destination, so that it is
 * used in the same way; its address and the name of its host key are its own.
 */
const handedToFallback: readonly Keyword[] = [
  ...handedDown,
  "CASignatureAlgorithms",
  "Ciphers",
  "Compression",
  "HostKeyAlgorithms",
  "KexAlgorithms",
  "MACs",
  "RekeyLimit",
];

/**
 * Adds the keywords of the files to `keywords`, which holds those of the command line.
 * Undefined when no files are read.
 */
export function readConfiguration(
  tunnel: SshTunnel,
  keywords: Keywords,
  files: ConfigSources | undefined,
): RunConfiguration | undefined {
  if (files === undefined) return undefined;
  const { host, configFile, identities } = tunnel;
  const typed = new Keywords();
  const typedWay: Keyword = keywords.isBefore("ProxyJump", "ProxyCommand") ? "ProxyJump" : "ProxyCommand";
  typed.fillFrom(keywords, [...handedToFallback, typedWay]);
  const { tokens } = effectiveSettings(host, keywords, files, configFile, askedOf(tunnel));
  return {
    forwards: {
      ...configuredForwards(keywords, (text) => expandVariables(text, files.machine.environment)),
      fillPaths: (spec) => fillPaths(spec, (path) => expandTokens(path, tokens)),
    },
    hopSettings(jump) {
      const own = effectiveSettings(jump.host, ofHost(jump), files, configFile).keywords;
      return joined(jump, own, typed, handedDown, identities);
    },
    fallbackSettings(fallback) {
      const own = fallbackKeywords(fallback, tunnel, (said) => {
        return effectiveSettings(said.host, ofHost(said), files, configFile, askedOf(tunnel)).keywords;
      });
      const hasWay = own.text("ProxyJump") !== undefined || own.text("ProxyCommand") !== undefined;
      return joined(fallback, own, typed, hasWay ? handedToFallback : [...handedToFallback, typedWay], identities);
    },
  };
}

/**
 * The user and port of the command line count for a fallback that has none. What the files say may depend on the user, so
 * that they are read once more with it.
 */
function fallbackKeywords(
  { host, user, port }: Destination,
  typed: Pick<SshTunnel, "user" | "port">,
  read: (said: Destination) => Keywords,
): Keywords {
  const own = read({ host, user, port });
  const said = {
    host,
    user: own.text("User") === undefined ? typed.user : user,
    port: own.text("Port") === undefined ? typed.port : port,
  };
  return said.user === user && said.port === port ? own : read(said);
}

function joined(
  host: Destination,
  own: Keywords,
  typed: Keywords,
  handed: readonly Keyword[],
  identities: readonly Identity[],
): HopSettings {
  const hasOwn = own.text("IdentityFile") !== undefined;
  own.fillFrom(typed, handed);
  return {
    destination: asSaid(host, own),
    keywords: own,
    identityFiles: hasOwn ? [] : flaggedFiles(identities),
    way: readWay(own),
  };
}

/** A shell is asked for by a wish for a terminal or a RemoteCommand: `run` opens none otherwise. */
function askedOf(tunnel: SshTunnel): Asked {
  const { remote } = tunnel;
  if (remote.kind === "command") return { command: remote.words.join(" "), sessionType: "exec" };
  const isShell = remote.kind === "shell" && asksForShell(tunnel);
  return { ...connectionsOnly, sessionType: isShell ? "shell" : connectionsOnly.sessionType };
}

/** The files of -i, in the order given. */
export function flaggedFiles(identities: readonly Identity[]): readonly string[] {
  return identities.flatMap(({ file, by }) => (by === "flag" ? [file] : []));
}

/** The forwards among the keywords of the files. The forwards of an -o are in the description. */
export function configuredForwards(
  keywords: Keywords,
  fillVariables: (text: string) => string = (text) => text,
): ConfiguredForwards {
  return {
    specs: forwardKeywords.flatMap((keyword) =>
      keywords.all(keyword).map((value) => parseConfigForward(keyword, value, fillVariables)),
    ),
    areCleared:
      keywords.text("ClearAllForwardings") === undefined
        ? undefined
        : keywords.flag("ClearAllForwardings", defaults.clearAllForwardings),
    fillPaths: (spec) => spec,
  };
}

/** The destination with the user and port that count: the first that destination, flags, -o keywords and files give. */
export function asSaid({ host }: Destination, keywords: Keywords): Destination {
  const port = keywords.text("Port");
  const user = keywords.text("User");
  return {
    host,
    port: port === undefined ? undefined : named(`-o Port=${port}`, () => parsePort(port)),
    user,
  };
}

/**
 * The keywords with which the settings of another host begin. ssh runs `ssh -l user -p port ... jump` for a jump host,
 * and passes nothing else on (ssh.c, main).
 */
function ofHost({ user, port }: Destination): Keywords {
  const keywords = new Keywords();
  if (user !== undefined) keywords.add("User", user);
  if (port !== undefined) keywords.add("Port", String(port));
  return keywords;
}
