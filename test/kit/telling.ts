/** A telling for code that is tested alone: a bus that the test can hear, and no trace. */
import assert from "node:assert/strict";
import { Bus } from "../../src/flow/bus.ts";
import type { Telling } from "../../src/flow/telling.ts";
import type { Logger } from "../../src/plugin.ts";
import { LogLines } from "./log-lines.ts";

/** Passes porthop's own warnings to `warn`. */
export function warningTo(warn: (text: string) => void): Telling {
  return tellingTo({ ...new LogLines(), warn });
}

/** A message about a plugin fails the test, unless the test says otherwise: observers that throw are defects here. */
export function tellingTo(log: Logger = new LogLines(), changes: Partial<Telling> = {}): Telling {
  const warn = (text: string) => assert.fail(text);
  const loggerFor = (plugin?: string) => (plugin === undefined ? log : { ...log, warn });
  return { bus: new Bus(), loggerFor, trace: undefined, ...changes };
}
