/**
 * `porthop check`: takes the words of `run`, tries all that run would do leg by leg, and says what fails and what to
 * do. The exit code is 0 only when all that was tried works.
 */

import { describeTunnel, wantsHelp } from "../config/description.ts";
import { realSources } from "../config/file/config-sources.ts";
import { plainWords } from "../config/pasted-command.ts";
import { type RunSettings, runSettings, surroundingsOf } from "../config/run-settings.ts";
import { isBatch } from "../config/trust-settings.ts";
import { PorthopError } from "../errors.ts";
import { Bus } from "../flow/bus.ts";
import type { Telling } from "../flow/telling.ts";
import { checkTunnel } from "../forward/check/check.ts";
import type { CheckStep } from "../forward/check/check-step.ts";
import { planTunnel } from "../forward/plan/tunnel-plan.ts";
import { environmentForPrograms } from "./background.ts";
import { closingLines, type Look, stepFields, stepLines } from "./check-report.ts";
import { reportFailure } from "./failure-report.ts";
import { Interruption } from "./interruption.ts";
import { Output, wantsColor } from "./output.ts";
import { bannerReport, jsonEvent, jsonExit, settingsReport } from "./report.ts";
import { terminalPrompter } from "./terminal-prompter.ts";

export async function check(words: readonly string[], showHelp: () => void): Promise<number> {
  let json = words.includes("--json");
  try {
    const plain = plainWords(words);
    if (wantsHelp(plain, "run")) {
      showHelp();
      return 0;
    }
    const files = realSources(process.env);
    const tunnel = describeTunnel(plain, surroundingsOf(files));
    const others = tunnel.extras.filter(({ name }) => name !== "json");
    json = others.length < tunnel.extras.length;
    // With run, -W and a command own stdout and rule out --json. check starts neither of
    // them, so stdout is free for events.
    const settings = runSettings({ ...tunnel, extras: others }, files);
    const code = await checkWith(settings, json, new Output(settings.logLevel));
    if (json) jsonExit(new Output(settings.logLevel), code);
    return code;
  } catch (thrown) {
    return reportFailure(thrown, json);
  }
}

async function checkWith(settings: RunSettings, json: boolean, output: Output): Promise<number> {
  const interruption = new Interruption();
  const prompter = terminalPrompter(process.env, { output, signal: interruption.stop });
  const steps: CheckStep[] = [];
  const since = performance.now();
  settingsReport(settings.keywords, output);
  if (settings.link.fallbacks.length > 0) output.warn("check tries the destination only, and no --fallback");
  try {
    const planning = planTunnel(settings, {
      log: output.loggerFor(),
      prompter,
      environment: environmentForPrograms(process.env),
    });
    const plan = await interruption.orStop(planning);
    const tell = (step: CheckStep) => {
      steps.push(step);
      if (json) jsonEvent(output, "check", stepFields(step));
      else for (const line of stepLines(step, look())) output.result(line);
    };
    const isAttended = prompter !== undefined && !isBatch(settings.keywords);
    await checkTunnel(plan, checkTelling(settings, output), { tell, isAttended }, interruption.stop);
    if (!json) for (const line of closingLines(steps, performance.now() - since, look())) output.result(line);
    return steps.some(({ outcome }) => outcome === "no") ? 255 : 0;
  } catch (thrown) {
    // SIGTERM has the exit code 0, which would say that the check found no failure.
    if (interruption.stop.aborted) return (await interruption.requested) || 255;
    if (!(thrown instanceof PorthopError) || thrown.code !== "cancelled") throw thrown;
    output.error(thrown);
    return thrown.exitCode;
  } finally {
    interruption.release();
  }
}

function checkTelling(settings: RunSettings, output: Output): Telling {
  const bus = new Bus();
  bannerReport(bus, output);
  return {
    bus,
    // Warnings are not printed here, because they are part of the step's text.
    loggerFor: (plugin) => ({ ...output.loggerFor(plugin), warn: () => {} }),
    trace: settings.trace ? (text) => output.debug(text) : undefined,
  };
}

/** Asked again for each line, because the user may change the size of the window meanwhile. */
function look(): Look {
  const { isTTY, columns } = process.stdout;
  return { columns: isTTY ? columns || 80 : undefined, hasColor: wantsColor(process.stdout) };
}
