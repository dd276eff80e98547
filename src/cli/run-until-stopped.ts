/**
 * Carries a tunnel or a relay until porthop is told to stop, until the session is lost, or until the one flow of -W is
 * over. What happens is reported in words and, with --json, as events.
 */
import type { CarryingSettings } from "../config/carrying-settings.ts";
import { capturesToStdout } from "../config/carrying-settings.ts";
import { PorthopError } from "../errors.ts";
import { Bus } from "../flow/bus.ts";
import type { EventNamed } from "../flow/event.ts";
import type { Telling } from "../flow/telling.ts";
import type { PlanDeps } from "../forward/plan/tunnel-plan.ts";
import { Tunnel, type TunnelPlan } from "../forward/tunnel.ts";
import type { ForwardInfo } from "../plugin.ts";
import { environmentForPrograms, goBehind, isBehind, tellReady } from "./background.ts";
import { Interruption } from "./interruption.ts";
import { Output } from "./output.ts";
import { type CommandJob, runCommand } from "./remote-streams.ts";
import { bannerReport, jsonExit, jsonReport, type SettingsRemarks, settingsReport, wordReport } from "./report.ts";
import { type ServiceReport, serviceReport } from "./service-report.ts";
import { terminalFor } from "./terminal.ts";
import { terminalPrompter } from "./terminal-prompter.ts";
import { version } from "./version.ts";

/** A start that takes longer than this prints a message. */
const silentMs = 1000;

export interface Carrying {
  /** The typed command and words: the background process is started with them. */
  readonly command: "run" | "relay";
  readonly words: readonly string[];
  readonly settings: CarryingSettings & {
    readonly keywords: SettingsRemarks;
    readonly forwards: readonly ForwardInfo[];
  };
  plan(deps: PlanDeps): Promise<TunnelPlan>;
  /** The command on the server that gets this process's stdin, stdout and stderr. */
  readonly remote?: CommandJob | undefined;
  /** The message for a start that takes long. */
  readonly meanwhile?: string;
}

/** Resolves with the exit code. */
export async function carryUntilStopped(carrying: Carrying): Promise<number> {
  const { command, words, settings } = carrying;
  const output = new Output(settings.logLevel, settings.logFile);
  if (settings.background && !isBehind(process.env)) {
    const hasResults = settings.json || capturesToStdout(settings.plugins) || carrying.remote !== undefined;
    const behind = await goBehind([command, ...words], hasResults);
    if ("code" in behind) return behind.code;
    output.info(`in the background as pid ${behind.pid}: kill ${behind.pid} stops it`);
    return 0;
  }
  const telling = tellingBy(settings, output);
  const service = serviceReport(process.env, telling.bus, output.loggerFor(), isBehind(process.env));
  const code = await carryWith(carrying, output, telling, service);
  await service.ends(code);
  if (settings.json) jsonExit(output, code);
  return code;
}

async function carryWith(
  { settings, plan, remote, meanwhile }: Carrying,
  output: Output,
  telling: Telling,
  service: ServiceReport,
): Promise<number> {
  const interruption = new Interruption();
  interruption.stop.addEventListener("abort", () => service.stops(), { once: true });
  const log = output.loggerFor();
  settingsReport(settings.keywords, output);
  const stdio = Promise.withResolvers<number>();
  const progress = sayLater(output, meanwhile);
  telling.bus.on("reconnect", progress);
  const prompter = terminalPrompter(process.env, { asked: progress, output, signal: interruption.stop });
  telling.bus.on("ready", () => {
    if (!isBehind(process.env)) return;
    prompter?.release();
    void service.announced.then(() => tellReady(process.env));
  });
  if (usesStdio(settings)) telling.bus.on("flow.close", (event) => stdio.resolve(stdioExit(event)));
  const terminal = remote === undefined ? undefined : terminalFor(remote.settings, output);
  let tunnel: Tunnel | undefined;
  const stopHearing = onReconnectSignal(() => tunnel?.reconnect());
  try {
    const planning = plan({
      log,
      prompter,
      canAskLater: prompter?.isLasting ?? false,
      environment: environmentForPrograms(process.env),
      terminal: terminal?.request,
      streams: usesStdio(settings) ? { input: process.stdin, output: process.stdout } : undefined,
    });
    tunnel = new Tunnel(await interruption.orStop(planning), telling, version);
    const started = await interruption.orStop(tunnel.start(interruption.stop)).finally(progress);
    const lost = started.lost.then((reason) => reason.exitCode);
    const code =
      remote === undefined
        ? await Promise.race([interruption.requested, lost, stdio.promise])
        : await runCommand(remote, terminal, tunnel, started, interruption.requested, output);
    await tunnel.stop(settings.graceMs, interruption.hurry);
    return code;
  } catch (thrown) {
    await tunnel?.stop(0, interruption.hurry);
    if (interruption.stop.aborted) return interruption.requested;
    if (!(thrown instanceof PorthopError)) throw thrown;
    telling.bus.publish({ event: "error", error: thrown });
    return thrown.exitCode;
  } finally {
    progress();
    stopHearing();
    interruption.release();
  }
}

/**
 * As with autossh, SIGUSR1 asks for a session at once, however long porthop would have waited. It is heard to the end:
 * it would otherwise kill a porthop that still starts, or that lets open flows finish.
 */
function onReconnectSignal(reconnect: () => void): () => void {
  process.on("SIGUSR1", reconnect);
  return () => process.removeListener("SIGUSR1", reconnect);
}

function usesStdio({ forwards }: Carrying["settings"]): boolean {
  return forwards.some(({ kind }) => kind === "stdio");
}

function tellingBy(settings: Carrying["settings"], output: Output): Telling {
  const bus = new Bus();
  wordReport(bus, output);
  bannerReport(bus, output);
  if (settings.json) jsonReport(bus, output);
  return {
    bus,
    loggerFor: (plugin) => output.loggerFor(plugin),
    trace: settings.trace ? (text) => output.debug(text) : undefined,
  };
}

/**
 * The exit code of -W. A reader of stdout that left early is no failure. A target that could not be reached is one, and
 * so is a flow that a plugin ended.
 */
function stdioExit({ error, by }: EventNamed<"flow.close">): number {
  if (by?.startsWith("plugin:")) return 1;
  return error === undefined || error.leg === 1 ? 0 : error.exitCode;
}

function sayLater(output: Output, text: string | undefined): () => void {
  const timer = setTimeout(() => text !== undefined && output.info(text), silentMs);
  return () => clearTimeout(timer);
}
