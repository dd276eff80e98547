/** `porthop relay`: forwards without ssh, from this machine to targets to which this machine itself can connect. */
import { wantsHelp } from "../config/description.ts";
import { readRelaySettings } from "../config/relay-settings.ts";
import { PorthopError } from "../errors.ts";
import { planRelay } from "../forward/plan/relay-plan.ts";
import { reportFailure } from "./failure-report.ts";
import { carryUntilStopped } from "./run-until-stopped.ts";

export async function relay(words: readonly string[], showHelp: () => void): Promise<number> {
  try {
    if (wantsHelp(words, "relay")) {
      showHelp();
      return 0;
    }
    const settings = readRelaySettings(words, process.env);
    if (settings.forwards.length === 0) {
      throw new PorthopError("usage", "nothing to relay: -L is missing", {
        hint: "for example: porthop relay -L 8080:intranet:80",
      });
    }
    return await carryUntilStopped({ command: "relay", words, settings, plan: () => planRelay(settings) });
  } catch (thrown) {
    return reportFailure(thrown, words.includes("--json"));
  }
}
