/** Turns the settings of a relay into its plan: a tunnel without a session. */
import { exitsOnForwardFailure, listenSettings, relayDialTimeoutMs } from "../../config/listen-settings.ts";
import type { RelaySettings } from "../../config/relay-settings.ts";
import type { TunnelPlan } from "../tunnel.ts";
import { planChain } from "./chain-plan.ts";

export async function planRelay(settings: RelaySettings): Promise<TunnelPlan> {
  return {
    forwards: settings.forwards,
    plugins: await planChain(settings.plugins),
    exitOnForwardFailure: exitsOnForwardFailure(settings),
    here: { ...listenSettings(settings), dialTimeoutMs: relayDialTimeoutMs(settings) },
  };
}
