/** `porthop run`: forwards until it is told to stop, or until the session is lost. */
import { realSources } from "../config/file/config-sources.ts";
import { plainWords } from "../config/pasted-command.ts";
import { readRunSettings } from "../config/run-settings.ts";
import { PorthopError } from "../errors.ts";
import { planTunnel } from "../forward/plan/tunnel-plan.ts";
import { carryUntilStopped } from "./carrying.ts";
import { reportFailure } from "./failure-report.ts";

export async function run(words: readonly string[], showHelp: () => void): Promise<number> {
  try {
    return await runWords(plainWords(words), showHelp);
  } catch (thrown) {
    // The words that cannot be read may be the ones beside it: events were asked for all the same.
    return reportFailure(thrown, words.includes("--json"));
  }
}

async function runWords(words: readonly string[], showHelp: () => void): Promise<number> {
  const settings = readRunSettings(words, realSources(process.env));
  if (settings.help) {
    showHelp();
    return 0;
  }
  if (settings.forwards.length === 0 && settings.remote === undefined) {
    throw new PorthopError("usage", "nothing to forward and nothing to run: -L is missing, or a command", {
      hint: "for example: porthop run -L 8080:localhost:80 user@server",
    });
  }
  return carryUntilStopped({
    command: "run",
    words,
    settings,
    plan: (deps) => planTunnel(settings, deps),
    remote: settings.remote === undefined ? undefined : { settings: settings.remote, host: settings.destination.host },
    meanwhile: `connecting to ${settings.destination.host} ...`,
  });
}
