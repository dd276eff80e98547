/**
 * Logs one line for each flow when the flow is over. With `--log debug`, logs a line too when a flow opens and when a
 * flow is refused.
 */

import { definePlugin, type Flow, formatAddress, formatBytes, formatDuration, visible } from "../src/plugin.ts";
import { messageOf } from "../src/text/error-message.ts";

export default definePlugin({
  name: "log",
  about: "one line for each flow: who, where to, bytes each way, how long, how it ended",
  setup(host) {
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
        if (opened || isDecision(error))
          host.log.info(`${flow.id} ${route(flow)} ${traffic(flow)}${labels(flow)}, aborted: ${why}`);
        else host.log.debug(`${flow.id} refuse ${route(flow)}: ${why}`);
        throw error;
      }
    };
  },
});

/**
 * True when a plugin or a user decided to end the flow, perhaps before the target was dialed. No error is reported for
 * a decision, so the log line is the only place that tells of it.
 */
function isDecision(error: unknown): boolean {
  return (
    error instanceof Error && "code" in error && error.code === "cancelled" && "by" in error && error.by !== undefined
  );
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
