/**
 * What the name of a server stands for in ~/.ssh/config and the system's file, for a text beside a command. Nothing is run for it: a Match exec of
 * the file counts as not met, since whoever only asks what a pasted command does wants nothing done.
 */
import { Malformed } from "../codec/malformed.ts";
import { type ConfigSources, realSources } from "../config/file/config-sources.ts";
import { Keywords } from "../config/file/keyword.ts";
import { effectiveSettings } from "../config/file/ssh-config.ts";
import { PorthopError } from "../errors.ts";
import { visible } from "../text/terminal-text.ts";
import type { TunnelDescription } from "../tunnel/tunnel-description.ts";

/** `vishnu stands for alice@10.0.0.1, port 2222`; undefined where the file adds nothing, or is not what the command reads. */
export function aliasOf(
  description: TunnelDescription,
  sources: ConfigSources = realSources(process.env),
): string | undefined {
  if (description.via === "nothing" || description.configFile !== undefined) return undefined;
  const { host: name, user, port, keywords: said } = description;
  if (said.some((line) => line.name.toLowerCase() === "hostname")) return undefined;
  try {
    const quiet = { ...sources, succeeds: () => false };
    const { host, keywords } = effectiveSettings(name, new Keywords(), quiet);
    const found = { user: keywords.text("User"), port: keywords.number("Port") };
    const addsUser = user === undefined && found.user !== undefined;
    const addsPort = port === undefined && found.port !== undefined && found.port !== 22;
    if (host.toLowerCase() === name.toLowerCase() && !addsUser && !addsPort) return undefined;
    const login = user ?? found.user;
    const target = `${login === undefined ? "" : `${login}@`}${host}`;
    return visible(`${name} stands for ${target}, port ${port ?? found.port ?? 22}`);
  } catch (error) {
    if (error instanceof PorthopError || error instanceof Malformed) return undefined;
    throw error;
  }
}
