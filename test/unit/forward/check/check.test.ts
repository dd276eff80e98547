import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { parseForwardSpec } from "../../../../src/codec/words/forward-spec.ts";
import { nameForwards } from "../../../../src/config/forward.ts";
import { PorthopError } from "../../../../src/errors.ts";
import { type CheckOptions, checkTunnel } from "../../../../src/forward/check/check.ts";
import type { CheckStep } from "../../../../src/forward/check/check-step.ts";
import type { SshPlan } from "../../../../src/forward/plan/tunnel-plan.ts";
import { rawServer } from "../../../kit/raw-server.ts";
import { refusal } from "../../../kit/refusal.ts";
import { echoServer, freePort } from "../../../kit/servers.ts";
import { startSshServer } from "../../../kit/ssh-server.ts";
import { tellingTo } from "../../../kit/telling.ts";
import { easyTrust } from "../../../kit/trust.ts";

const timeout = 30_000;
const never = new AbortController().signal;

interface Place {
  readonly host: string;
  readonly port: number;
}

function planOf({ host, port }: Place, forwards: readonly string[], trust = easyTrust): SshPlan {
  return {
    session: {
      ...{ host, port, user: "anna", connectTimeoutMs: undefined, keepAliveIntervalMs: 0, keepAliveCountMax: 0 },
      ...{ handshakeTimeoutMs: 30_000, attempts: 1, algorithms: {} },
    },
    trust: async () => trust(),
    forwards: nameForwards(
      forwards.map((text) => parseForwardSpec("L", text)),
      false,
    ),
    plugins: [{ name: "never", setup: () => assert.fail("a check sets up no plugin") }],
    exitOnForwardFailure: true,
    here: { family: undefined, unix: { mask: 0o177 } },
  };
}

async function checked(plan: SshPlan, limits: CheckOptions["limits"] = {}, signal = never): Promise<CheckStep[]> {
  const steps: CheckStep[] = [];
  const quick = { greetingMs: 50, ...limits };
  const tell = (step: CheckStep) => steps.push(step);
  await checkTunnel(plan, tellingTo(), { tell, isAttended: false, limits: quick }, signal);
  return steps;
}

function lines(steps: readonly CheckStep[]): readonly string[] {
  return steps.map(({ outcome, step, forward = "" }) => `${outcome} ${forward}${step}`);
}

const wayIsGood = ["ok name", "ok tcp", "ok banner", "ok host-key", "ok login"];

test("All steps come in the order of the way, no command is run on the server, and nothing is left behind.", {
  timeout,
}, async () => {
  await using server = await startSshServer({ ident: "OpenSSH_9.2", exec: () => ({ code: 0 }) });
  await using echo = await echoServer();
  const [first, second] = [await freePort(), await freePort()];
  const target = `127.0.0.1:${echo.port}`;
  const steps = await checked(planOf(server, [`${first}:${target}`, `${second}:${target}`]));
  assert.deepEqual(lines(steps), [...wayIsGood, "ok L1listener", "ok L1target", "ok L2listener", "ok L2target"]);
  assert.match(steps[2]?.message ?? "", /^OpenSSH_9\.2 at /);
  assert.match(steps[3]?.message ?? "", /^ED25519 SHA256:\S{43}$/);
  assert.deepEqual([server.counts.commands, server.counts.logins, server.openChannels], [[], 1, 0]);
  // The ports are free again.
  for (const port of [first, second]) {
    const listener = createServer().listen(port, "127.0.0.1");
    await once(listener, "listening");
    listener.close();
  }
});

test("One forward that fails leaves the others to be tried.", { timeout }, async () => {
  await using server = await startSshServer({});
  await using echo = await echoServer();
  const closed = await freePort();
  const steps = await checked(
    planOf(server, [`${echo.port}:127.0.0.1:${closed}`, `${await freePort()}:127.0.0.1:${echo.port}`]),
  );
  assert.deepEqual(lines(steps), [...wayIsGood, "no L1listener", "no L1target", "ok L2listener", "ok L2target"]);
});

test("A login that fails leaves the listeners to be tried, and the targets are not.", { timeout }, async () => {
  await using server = await startSshServer({ password: "secret" });
  const steps = await checked(planOf(server, [`${await freePort()}:127.0.0.1:1`]));
  assert.deepEqual(lines(steps), [...wayIsGood.slice(0, 4), "no login", "ok L1listener", "skip L1target"]);
  assert.equal(steps[4]?.error?.code, "ssh.auth-failed");
});

test("Whoever listens where sshd should be is named at the banner, also when it says nothing at all.", {
  timeout,
}, async () => {
  await using smtp = await rawServer((socket) => socket.end("220 mail.example ESMTP\r\n"));
  await using silent = await rawServer(() => {});
  for (const [server, code] of [
    [smtp, "ssh.protocol"],
    [silent, "ssh.protocol"],
  ] as const) {
    const steps = await checked(planOf(server, []), { connectMs: 300 });
    assert.deepEqual(lines(steps), ["ok name", "ok tcp", "no banner", "skip host-key", "skip login"]);
    assert.equal(steps[2]?.error?.code, code);
  }
});

test("A server that never decides about a login is given up when nobody is asked.", { timeout }, async () => {
  await using server = await startSshServer({});
  const undecided = () => easyTrust({ authHandler: () => {} });
  const steps = await checked(planOf(server, [], undecided), { loginMs: 50 });
  assert.deepEqual(lines(steps), [...wayIsGood.slice(0, 4), "no login"]);
  assert.match(steps[4]?.message ?? "", /did not decide/);
});

test("Told to stop in the middle, it ends with that and tells no more.", { timeout }, async () => {
  await using server = await startSshServer({ forward: () => "hang" });
  const stop = new AbortController();
  const steps: string[] = [];
  const tell = (step: CheckStep) => {
    steps.push(step.step);
    if (step.step === "listener") stop.abort(new PorthopError("cancelled", "stopped by SIGINT"));
  };
  const plan = planOf(server, [`${await freePort()}:127.0.0.1:1`]);
  const check = checkTunnel(plan, tellingTo(), { tell, isAttended: true }, stop.signal);
  assert.equal((await refusal(check)).message, "stopped by SIGINT");
  assert.equal(steps.at(-1), "listener");
});
