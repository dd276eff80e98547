import assert from "node:assert/strict";
import { test } from "node:test";
import type { CommandSettings } from "../../../src/config/command-settings.ts";
import { type CommandPlan, CommandRun } from "../../../src/forward/command-run.ts";
import { CommandPair } from "../../kit/command-pair.ts";
import { need } from "../../kit/packages.ts";
import { startSshAgent } from "../../kit/ssh-agent.ts";
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

test("An agent is asked for where one answers.", { skip: need("ssh-agent", "ssh-add"), timeout: 30_000 }, async () => {
  await using agent = await startSshAgent();
  await using it = await opened({ forwardAgent: "yes" }, { SSH_AUTH_SOCK: agent.socket });
  await it.run.start();
  assert.deepEqual(it.pair.requests.slice(-2), ["auth-agent", "exec ls"]);
  assert.deepEqual(it.warnings, []);
});

const x11 = { trusted: true, timeoutMs: 0, xauth: "/nonexistent/xauth" };

for (const [what, changes, environment, told] of [
  [
    "an agent whose variable is not set",
    { forwardAgent: "yes" },
    {},
    "no agent is forwarded: SSH_AUTH_SOCK is not set",
  ],
  [
    "an agent that does not answer",
    { forwardAgent: "/nonexistent/agent" },
    {},
    "no agent is forwarded: none answers at /nonexistent/agent",
  ],
  ["X11 without DISPLAY", { x11 }, {}, "X11 is not forwarded: DISPLAY is not set"],
  [
    "X11 with nonsense in DISPLAY",
    { x11 },
    { DISPLAY: "\x1b[2J" },
    'X11 is not forwarded: DISPLAY is "\\x1b[2J", which is no X display: host:0, :0 or unix:0',
  ],
  [
    "untrusted X11 without an untrusted cookie",
    { x11: { ...x11, trusted: false } },
    { DISPLAY: ":0" },
    "X11 is not forwarded: xauth made no untrusted cookie (-Y forwards with the display's own)",
  ],
] as const) {
  test(`${what} is warned of, and the command runs without.`, async () => {
    await using it = await opened(changes, environment);
    await it.run.start();
    assert.deepEqual([it.warnings, it.pair.requests.at(-1)], [[told], "exec ls"]);
    assert.equal(
      it.pair.requests.some((request) => /^(x11|auth-agent)/.test(request)),
      false,
    );
  });
}

test("X11 is asked for with the display's screen, and a refusal is warned of.", async () => {
  await using it = await opened({ x11 }, { DISPLAY: "localhost:10.3" });
  it.pair.refused.add("x11");
  await it.run.start();
  assert.ok(it.pair.requests.includes("x11 MIT-MAGIC-COOKIE-1 3"));
  assert.match(it.warnings.join(), /^the server does not forward X11: /);
});
