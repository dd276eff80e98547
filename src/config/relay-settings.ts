/** Turns the description of a relay into the settings with which `porthop relay` works. */

import { expandVariables } from "../codec/config/percent-tokens.ts";
import { loopsIn } from "../tunnel/loops.ts";
import type { Relay } from "../tunnel/tunnel-description.ts";
import { type CarryingSettings, readCarrying } from "./carrying-settings.ts";
import { defaults } from "./defaults.ts";
import { describeRelay } from "./description.ts";
import type { Keywords } from "./file/keyword-record.ts";
import { type Forward, nameForwards } from "./forward.ts";
import { keywordsOf } from "./tunnel-keywords.ts";
import { refuseUnsupported } from "./unsupported.ts";
import { asUsage } from "./usage.ts";

export interface RelaySettings extends CarryingSettings {
  readonly forwards: readonly Forward[];
  readonly keywords: Keywords;
}

/** `environment` has the variables that a forward may name. */
export function readRelaySettings(words: readonly string[], environment: NodeJS.ProcessEnv = {}): RelaySettings {
  return relaySettings(describeRelay(words, { fillVariables: (text) => expandVariables(text, environment) }));
}

/** Throws a usage error that names the first word for something that porthop cannot do. */
export function relaySettings(relay: Relay): RelaySettings {
  return asUsage("porthop relay --help shows the flags", () => {
    refuseUnsupported(relay);
    const keywords = keywordsOf(relay);
    const forwards = nameForwards(relay.forwards, keywords.flag("GatewayPorts", defaults.gatewayPorts));
    keywords.warnings.push(...loopsIn(forwards, true).map(({ forward, text }) => `${forward}: ${text}`));
    return {
      ...readCarrying(relay, relay.extras, keywords),
      forwards: forwards.map((forward) => ({ ...forward, kind: "relay" })),
      keywords,
    };
  });
}
