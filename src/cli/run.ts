/** `porthop run`: forwards until it is told to stop, or until the session is lost. */
import { type RunSettings, readRunSettings } from "../config/run-settings.ts";
import { PorthopError } from "../errors.ts";
import { Tunnel, type TunnelHooks } from "../forward/tunnel.ts";
import { planTunnel } from "../forward/tunnel-plan.ts";
import { goBehind, isBehind, tellReady } from "./background.ts";
import { reportFailure } from "./failure.ts";
import { Interruption } from "./interruption.ts";
import { Output } from "./output.ts";
import { jsonExit, jsonReport, wordReport } from "./report.ts";
import { terminalPrompter } from "./terminal-prompter.ts";
import { version } from "./version.ts";

/** Whatever takes longer is said. */
const silentMs = 1000;

export async function run(words: readonly string[], showHelp: () => void): Promise<number> {
  try {
    return await runWords(words, showHelp);
  } catch (thrown) {
    // The words that cannot be read may be the ones beside it: events were asked for all the same.
    return reportFailure(thrown, words.includes("--json"));
  }
}

async function runWords(words: readonly string[], showHelp: () => void): Promise<number> {
  const settings = readRunSettings(words);
  if (settings.help) {
    showHelp();
    return 0;
  }
  if (settings.forwards.length === 0) {
    throw new PorthopError("usage", "nothing to forward: -L is missing", {
      hint: "for example: porthop run -L 8080:localhost:80 user@server",
    });
  }
  const output = new Output(settings.logLevel);
  if (settings.background && !isBehind(process.env)) {
    const behind = await goBehind(words, hasResults(settings));
    if ("code" in behind) return behind.code;
    output.info(`in the background as pid ${behind.pid}: kill ${behind.pid} stops it`);
    return 0;
  }
  const code = await runTunnel(settings, output);
  if (settings.json) jsonExit(output, code);
  return code;
}

/** Whether anything will be written to stdout. */
function hasResults({ json, plugins }: RunSettings): boolean {
  return json || plugins.some(({ name, options }) => name === "capture" && options.get("file") === "-");
}

async function runTunnel(settings: RunSettings, output: Output): Promise<number> {
  const interruption = new Interruption();
  const log = output.loggerFor();
  for (const keyword of settings.keywords.ignored) output.warn(`-o ${keyword} changes nothing in porthop`);
  const hooks = tunnelHooks(settings, output);
  const progress = sayLater(output, settings);
  let tunnel: Tunnel | undefined;
  try {
    const planning = planTunnel(settings, {
      log,
      prompter: terminalPrompter(progress),
      environment: process.env,
      signal: interruption.stop,
    });
    const plan = await interruption.orStop(planning);
    tunnel = new Tunnel(plan, hooks);
    const { lost } = await interruption.orStop(tunnel.start(interruption.stop)).finally(progress);
    const code = await Promise.race([interruption.requested, lost.then((reason) => reason.exitCode)]);
    await tunnel.stop(settings.graceMs, interruption.hurry);
    return code;
  } catch (thrown) {
    await tunnel?.stop(0, interruption.hurry);
    if (interruption.stop.aborted) return interruption.requested;
    if (!(thrown instanceof PorthopError)) throw thrown;
    hooks.report({ event: "error", error: thrown });
    return thrown.exitCode;
  } finally {
    progress();
    interruption.release();
  }
}

function tunnelHooks(settings: RunSettings, output: Output): TunnelHooks {
  const inWords = wordReport(output);
  const inJson = settings.json ? jsonReport(output) : undefined;
  return {
    version,
    loggerFor: (plugin) => output.loggerFor(plugin),
    report(event) {
      inWords(event);
      inJson?.(event);
      if (event.event === "ready") tellReady(process.env);
    },
    debug: (text) => {
      if (settings.trace) output.debug(text);
    },
    banner: (text) => output.info(text.trimEnd()),
  };
}

function sayLater(output: Output, { destination }: RunSettings): () => void {
  const timer = setTimeout(() => output.info(`connecting to ${destination.host} ...`), silentMs);
  return () => clearTimeout(timer);
}
