/** From the settings of a relay to its plan: a tunnel without a session. */
import type { RelaySettings } from "../../config/relay-settings.ts";
import type { TunnelPlan } from "../tunnel.ts";
import { hereOptions, preparedPlugins } from "./here-plan.ts";

export async function planRelay(settings: RelaySettings): Promise<TunnelPlan> {
  const { keywords, forwards, plugins } = settings;
  return {
    forwards,
    plugins: await preparedPlugins(plugins),
    exitOnForwardFailure: keywords.flag("ExitOnForwardFailure", true),
    // The time-out is the target's here, for there is no sshd to reach.
    here: { ...hereOptions(settings), dialTimeoutMs: keywords.time("ConnectTimeout") || undefined },
  };
}
