/** The parts of a plan that a tunnel and a relay have alike: the chain, and how this machine listens and dials. */
import type { PluginSpec } from "../../codec/words/plugin-spec.ts";
import type { CarryingSettings } from "../../config/carrying-settings.ts";
import type { Keywords } from "../../config/file/keyword.ts";
import type { PreparedPlugin } from "../../flow/chain.ts";
import type { StandardStreams } from "../../io/stdio.ts";
import type { TunnelPlan } from "../tunnel.ts";
import { preparePlugin } from "./plugin-list.ts";

/** One line for each flow, unless the chain says where the log stands in it. */
export function preparedPlugins(specs: readonly PluginSpec[]): Promise<PreparedPlugin[]> {
  const hasLog = specs.some(({ name }) => name === "log");
  const log: PluginSpec = { name: "log", isFile: false, options: new Map() };
  return Promise.all((hasLog ? specs : [log, ...specs]).map(preparePlugin));
}

export function hereOptions(
  { keywords, allowFrom }: Pick<CarryingSettings, "allowFrom"> & { readonly keywords: Keywords },
  streams?: StandardStreams,
): NonNullable<TunnelPlan["here"]> {
  return {
    family: addressFamily(keywords),
    allowFrom,
    unix: { mask: keywords.octal("StreamLocalBindMask"), unlink: keywords.flag("StreamLocalBindUnlink", false) },
    streams,
  };
}

export function addressFamily(keywords: Keywords): 4 | 6 | undefined {
  const family = keywords.text("AddressFamily")?.toLowerCase();
  return family === "inet" ? 4 : family === "inet6" ? 6 : undefined;
}
