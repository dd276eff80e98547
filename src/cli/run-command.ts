/** `porthop run`: forwards until porthop is told to stop, or until the session is lost. */

import { wantsHelp } from "../config/description.ts";
import { realSources } from "../config/file/config-sources.ts";
import { plainWords } from "../config/pasted-command.ts";
import { readRunSettings } from "../config/run-settings.ts";
import { refuseIdle } from "../config/unsupported.ts";
import { planTunnel } from "../forward/plan/tunnel-plan.ts";
import { reportFailure } from "./failure-report.ts";
import { carryUntilStopped } from "./run-until-stopped.ts";

export async function run(words: readonly string[], showHelp: () => void): Promise<number> {
  try {
    return await runWords(plainWords(words), showHelp);
  } catch (thrown) {
    // Words that cannot be read may stand beside a --json, which asks for events all the same.
    return reportFailure(thrown, words.includes("--json"));
  }
}

async function runWords(words: readonly string[], showHelp: () => void): Promise<number> {
  if (wantsHelp(words, "run")) {
    showHelp();
    return 0;
  }
  const settings = readRunSettings(words, realSources(process.env));
  refuseIdle(settings);
  return carryUntilStopped({
    command: "run",
    words,
    settings,
    plan: (deps) => planTunnel(settings, deps),
    remote: settings.remote === undefined ? undefined : { settings: settings.remote, host: settings.destination.host },
    meanwhile: `connecting to ${settings.destination.host} ...`,
  });
}
