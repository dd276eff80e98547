/** A telling for what is tested alone: a bus that the test hears, and no trace. */
import assert from "node:assert/strict";
import { Bus } from "../../src/flow/bus.ts";
import type { Telling } from "../../src/flow/telling.ts";
import type { Logger } from "../../src/plugin.ts";
import { LogLines } from "./log-lines.ts";

/** Hands on what porthop itself warns of. */
export function warningTo(warn: (text: string) => void): Telling {
  return tellingTo({ ...new LogLines(), warn });
}

/** Of a plugin nothing is to be told, unless the test says otherwise: observers that throw are defects here. */
export function tellingTo(log: Logger = new LogLines(), changes: Partial<Telling> = {}): Telling {
  const warn = (text: string) => assert.fail(text);
  const loggerFor = (plugin?: string) => (plugin === undefined ? log : { ...log, warn });
  return { bus: new Bus(), loggerFor, trace: undefined, ...changes };
}
