/** Whom ~/.ssh/config and the system's file mean by the name of a server: host, user and port as they say them. */
import type { ConfigSources } from "./file/config-sources.ts";
import { Keywords } from "./file/keyword.ts";
import { effectiveSettings } from "./file/ssh-config.ts";

export interface KnownLogin {
  /** Whom to connect to: HostName, or the name itself. */
  readonly host: string;
  /** Undefined where the files say none. */
  readonly user: string | undefined;
  readonly port: number | undefined;
}

/** Throws Malformed or PorthopError where the files cannot be read. */
export function knownLogin(name: string, sources: ConfigSources): KnownLogin {
  const { host, keywords } = effectiveSettings(name, new Keywords(), sources);
  return { host, user: keywords.text("User"), port: keywords.number("Port") };
}
