/**
 * The configuration files in what `run` is asked to do: their keywords, the flags they stand for, their forwards, and
 * what they say of the jump hosts on the way.
 */

import { expandTokens, expandVariables } from "../codec/config/percent-tokens.ts";
import { parsePort } from "../codec/host-port.ts";
import { type Destination, parseUser } from "../codec/words/destination.ts";
import type { Identity, SshTunnel } from "../tunnel/tunnel-description.ts";
import { defaults } from "./defaults.ts";
import { fillPaths, forwardKeywords, parseConfigForward } from "./file/config-forward.ts";
import type { ConfigSources } from "./file/config-sources.ts";
import { type Keyword, Keywords } from "./file/keyword.ts";
import { effectiveSettings } from "./file/ssh-config.ts";
import type { ConfiguredForwards } from "./forward.ts";
import { named } from "./named.ts";
import { readWay, type WaySettings } from "./way-settings.ts";

export interface RunConfiguration {
  readonly forwards: ConfiguredForwards;
  hopSettings(jump: Destination): HopSettings;
}

/** What holds for a jump host. */
export interface HopSettings {
  readonly destination: Destination;
  readonly keywords: Keywords;
  readonly identityFiles: readonly string[];
  /** The host may have a way of its own. */
  readonly way: WaySettings;
}

/** ssh hands none of its flags down to a jump host; here the login's are good for it where the files say nothing. */
const handedDown: readonly Keyword[] = [
  "AddKeysToAgent",
  "AddressFamily",
  "BatchMode",
  "BindAddress",
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

/** Fills the keywords of the command line up. Undefined when no files are to be read at all. */
export function readConfiguration(
  tunnel: SshTunnel,
  keywords: Keywords,
  files: ConfigSources | undefined,
): RunConfiguration | undefined {
  if (files === undefined) return undefined;
  const { host, configFile, identities } = tunnel;
  const typed = new Keywords();
  typed.fillFrom(keywords, handedDown);
  const { tokens } = effectiveSettings(host, keywords, files, configFile);
  return {
    forwards: {
      ...configuredForwards(keywords, (text) => expandVariables(text, files.machine.environment)),
      fillPaths: (spec) => fillPaths(spec, (path) => expandTokens(path, tokens)),
    },
    hopSettings(jump) {
      const own = effectiveSettings(jump.host, ofJump(jump), files, configFile).keywords;
      const hasOwn = own.text("IdentityFile") !== undefined;
      own.fillFrom(typed, handedDown);
      return {
        destination: asSaid(jump, own),
        keywords: own,
        identityFiles: hasOwn ? [] : flaggedFiles(identities),
        way: readWay(own),
      };
    },
  };
}

/** The files of -i, in the order given. */
export function flaggedFiles(identities: readonly Identity[]): readonly string[] {
  return identities.flatMap(({ file, by }) => (by === "flag" ? [file] : []));
}

/** The forwards among the keywords; those of an -o stand in the description. */
export function configuredForwards(
  keywords: Keywords,
  fillVariables: (text: string) => string = (text) => text,
): ConfiguredForwards {
  return {
    specs: forwardKeywords.flatMap((keyword) =>
      keywords.all(keyword).map((value) => parseConfigForward(keyword, value, fillVariables)),
    ),
    areCleared: keywords.flag("ClearAllForwardings", defaults.clearAllForwardings),
    fillPaths: (spec) => spec,
  };
}

/** User and port as the first of destination, flags, keywords and files says them. */
export function asSaid({ host }: Destination, keywords: Keywords): Destination {
  const port = keywords.text("Port");
  const user = keywords.text("User");
  return {
    host,
    port: port === undefined ? undefined : named(`-o Port=${port}`, () => parsePort(port)),
    user: user === undefined ? undefined : parseUser(user),
  };
}

/** ssh starts `ssh -l user -p port ... jump` for it, and hands nothing else down (ssh.c, main). */
function ofJump({ user, port }: Destination): Keywords {
  const keywords = new Keywords();
  if (user !== undefined) keywords.add("User", user);
  if (port !== undefined) keywords.add("Port", String(port));
  return keywords;
}
