/**
 * The login that ~/.ssh/config and the system's configuration file give for the name of a server: host, user and port.
 */
import type { ConfigSources } from "./file/config-sources.ts";
import { Keywords } from "./file/keyword-record.ts";
import { effectiveSettings } from "./file/ssh-config.ts";

export interface KnownLogin {
  /** The host to connect to: HostName, or the name itself. */
  readonly host: string;
  /** Undefined when the files name no user. */
  readonly user: string | undefined;
  readonly port: number | undefined;
}

/** Throws Malformed or PorthopError where the files cannot be read. */
export function knownLogin(name: string, sources: ConfigSources): KnownLogin {
  const { host, keywords } = effectiveSettings(name, new Keywords(), sources);
  return { host, user: keywords.text("User"), port: keywords.number("Port") };
}
