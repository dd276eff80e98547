/**
 * Carries a tunnel or a relay until it is told to stop, until its session is lost, or until the one flow of -W is over;
 * what happens is told in words and, with --json, as events.
 */
import type { CarryingSettings } from "../config/carrying-settings.ts";
import { capturesToStdout } from "../config/carrying-settings.ts";
import type { Keywords } from "../config/file/keyword.ts";
import { PorthopError } from "../errors.ts";
import type { TunnelEvent } from "../forward/event.ts";
import { Tunnel, type TunnelHooks, type TunnelPlan } from "../forward/tunnel.ts";
import type { PlanDeps } from "../forward/tunnel-plan.ts";
import type { ForwardInfo } from "../plugin.ts";
import { environmentForPrograms, goBehind, isBehind, tellReady } from "./background.ts";
import { Interruption } from "./interruption.ts";
import { Output } from "./output.ts";
import { type CommandJob, runCommand } from "./remote-command.ts";
import { jsonExit, jsonReport, wordReport } from "./report.ts";
import { terminalFor } from "./terminal.ts";
import { terminalPrompter } from "./terminal-prompter.ts";
import { version } from "./version.ts";

/** Whatever takes longer is said. */
const silentMs = 1000;

export interface Carrying {
  /** What was typed, to be typed again for the background. */
  readonly command: "run" | "relay";
  readonly words: readonly string[];
  readonly settings: CarryingSettings & {
    readonly keywords: Keywords;
    readonly forwards: readonly ForwardInfo[];
  };
  plan(deps: PlanDeps): Promise<TunnelPlan>;
  /** The command on the server that has stdin, stdout and stderr. */
  readonly remote?: CommandJob | undefined;
  /** Said when it takes long to be ready. */
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
  const code = await carryWith(carrying, output);
  if (settings.json) jsonExit(output, code);
  return code;
}

async function carryWith({ settings, plan, remote, meanwhile }: Carrying, output: Output): Promise<number> {
  const interruption = new Interruption();
  const log = output.loggerFor();
  for (const warning of settings.keywords.warnings) output.warn(warning);
  for (const note of settings.keywords.notes) output.loggerFor().debug(note);
  for (const keyword of settings.keywords.ignored) output.warn(`-o ${keyword} changes nothing in porthop`);
  const stdio = Promise.withResolvers<number>();
  const hooks = tunnelHooks(settings, output, stdio.resolve);
  const progress = sayLater(output, meanwhile);
  const terminal = remote === undefined ? undefined : terminalFor(remote.settings, output);
  let tunnel: Tunnel | undefined;
  try {
    const planning = plan({
      log,
      prompter: terminalPrompter(progress),
      environment: environmentForPrograms(process.env),
      signal: interruption.stop,
      terminal: terminal?.request,
      streams: usesStdio(settings) ? { input: process.stdin, output: process.stdout } : undefined,
    });
    tunnel = new Tunnel(await interruption.orStop(planning), hooks);
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
    hooks.report({ event: "error", error: thrown });
    return thrown.exitCode;
  } finally {
    progress();
    interruption.release();
  }
}

function usesStdio({ forwards }: Carrying["settings"]): boolean {
  return forwards.some(({ kind }) => kind === "stdio");
}

function tunnelHooks(settings: Carrying["settings"], output: Output, stdioEnded: (code: number) => void): TunnelHooks {
  const inWords = wordReport(output);
  const inJson = settings.json ? jsonReport(output) : undefined;
  return {
    version,
    loggerFor: (plugin) => output.loggerFor(plugin),
    report(event) {
      inWords(event);
      inJson?.(event);
      if (event.event === "ready") tellReady(process.env);
      if (event.event === "flow.close" && usesStdio(settings)) stdioEnded(stdioExit(event));
    },
    debug: (text) => {
      if (settings.trace) output.debug(text);
    },
    banner: (text) => output.info(text.trimEnd()),
  };
}

/** A reader of stdout that had enough is no failure; a target that could not be reached is one. */
function stdioExit({ error }: Extract<TunnelEvent, { event: "flow.close" }>): number {
  return error === undefined || error.leg === 1 ? 0 : error.exitCode;
}

function sayLater(output: Output, text: string | undefined): () => void {
  const timer = setTimeout(() => text !== undefined && output.info(text), silentMs);
  return () => clearTimeout(timer);
}
