/**
 * Logs one line for each flow when the flow is over, and one for each client of a proxy whose request was refused. With
 * `--log debug`, logs a line too when a flow opens and when a flow is refused.
 */

import {
  definePlugin,
  type Flow,
  formatAddress,
  formatBytes,
  formatDuration,
  type Host,
  visible,
} from "../src/plugin.ts";
import { messageOf } from "../src/text/error-message.ts";
import { LineBudget } from "./log/line-budget.ts";

export default definePlugin({
  name: "log",
  about: "one line for each flow: who, where to, bytes each way, how long, how it ended",
  setup(host) {
    // To make the lines would be a noticeable part of the time that a short connection costs.
    if (!host.log.shows("info")) return (_flow, next) => next();
    tellRefused(host);
    return async (flow, next) => {
      let opened = false;
      flow.legs[2].watch({
        opened() {
          opened = true;
          host.log.debug(`${flow.id} open ${route(flow)}`);
        },
      });
      try {
        await next();
        host.log.info(`${flow.id} ${route(flow)} ${traffic(flow)}${labels(flow)}`);
      } catch (error) {
        const why = visible(messageOf(error), 200);
        if (opened || isDecision(error) || isLeaving(error))
          host.log.info(`${flow.id} ${route(flow)} ${traffic(flow)}${labels(flow)}, aborted: ${why}`);
        else host.log.debug(`${flow.id} refuse ${route(flow)}: ${why}`);
        throw error;
      }
    };
  },
});

/** A connection that was refused before it named a target is no flow, so only its events tell of it. */
function tellRefused(host: Pick<Host, "log" | "on" | "onDispose">): void {
  const budget = new LineBudget();
  host.on("flow.close", ({ flow, origin, target, error }) => {
    if (target !== null) return;
    const line = visible(`${flow} ${formatAddress(origin)} was refused: ${error?.message}`, 300);
    const allowance = budget.take(performance.now());
    if (allowance.kind === "say") {
      tellLeftOut(host, allowance.leftOut);
      host.log.info(line);
      return;
    }
    if (allowance.kind === "last-word") host.log.info("more are refused: only --log debug tells of each for a minute");
    host.log.debug(line);
  });
  host.onDispose(() => tellLeftOut(host, budget.leftOut));
}

function tellLeftOut(host: Pick<Host, "log">, count: number): void {
  if (count > 0) host.log.info(`${count} more ${count === 1 ? "was" : "were"} refused`);
}

/**
 * True when a plugin or a user decided to end the flow, perhaps before the target was dialed. No error is reported for
 * a decision, so the log line is the only place that tells of it.
 */
function isDecision(error: unknown): boolean {
  return (
    error instanceof Error && "code" in error && error.code === "cancelled" && "by" in error && error.by !== undefined
  );
}

/** True when the origin broke off while its target was dialed, or waited for. */
function isLeaving(error: unknown): boolean {
  return error instanceof Error && "by" in error && error.by === "origin";
}

function route(flow: Flow): string {
  return visible(`${formatAddress(flow.origin)} -> ${formatAddress(flow.target)}`, 400);
}

function traffic(flow: Flow): string {
  return `up ${formatBytes(flow.up.bytes)}, down ${formatBytes(flow.down.bytes)}, ${formatDuration(flow.ageMs)}`;
}

function labels(flow: Flow): string {
  const shown = [...flow.labels].map(([key, value]) => ` ${key}=${value}`).join("");
  return visible(shown, 200);
}
