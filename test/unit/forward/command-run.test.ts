import assert from "node:assert/strict";
import { test } from "node:test";
import type { CommandSettings } from "../../../src/config/command-settings.ts";
import { type CommandPlan, CommandRun } from "../../../src/forward/command-run.ts";
import { CommandPair } from "../../kit/command-pair.ts";
import { warningTo } from "../../kit/telling.ts";

const settings: CommandSettings = {
  command: "ls",
  terminal: "no",
  readsInput: false,
  escape: undefined,
  sendEnv: ["LANG"],
  setEnv: [["FOO", "bar"]],
  forwardAgent: "no",
  x11: undefined,
};

async function opened(changes: Partial<CommandSettings> = {}, environment: NodeJS.ProcessEnv = {}) {
  const pair = await CommandPair.open();
  const session = { openSessionChannel: () => pair.channel() };
  const warnings: string[] = [];
  const plan: CommandPlan = { settings: { ...settings, ...changes }, terminal: undefined, environment };
  const signal = new AbortController().signal;
  const run = await CommandRun.open(session, plan, warningTo((text) => warnings.push(text)).loggerFor(), signal);
  return { pair, run, warnings, [Symbol.asyncDispose]: () => pair[Symbol.asyncDispose]() };
}

test("Opening asks for nothing yet; the start sends the variables and the command.", async () => {
  await using it = await opened({}, { LANG: "C", SECRET: "x" });
  assert.deepEqual(it.pair.requests, []);
  await it.run.start();
  assert.deepEqual(it.pair.requests, ["env LANG=C", "env FOO=bar", "exec ls"]);
  assert.deepEqual([it.warnings, it.run.open], [[], 0]);
  await it.run.idle();
});
