import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type ForwardFlag, parseForwardSpec } from "../../../../src/codec/words/forward-spec.ts";
import { type Forward, nameForwards } from "../../../../src/config/forward.ts";
import { PorthopError } from "../../../../src/errors.ts";
import type { Inbound, Listener } from "../../../../src/flow/conn.ts";
import { checkListener, checkTarget, type ForwardCheckContext } from "../../../../src/forward/check/check-forward.ts";
import type { CheckStep } from "../../../../src/forward/check/check-step.ts";
import { listenUnix } from "../../../../src/io/listen-unix.ts";
import { Session } from "../../../../src/ssh/session.ts";
import { uplinkWith } from "../../../kit/made-up-session.ts";
import { rawServer } from "../../../kit/raw-server.ts";
import { echoServer, freePort } from "../../../kit/servers.ts";
import { type ForwardAnswer, type SshServer, startSshServer } from "../../../kit/ssh-server.ts";
import { tellingTo } from "../../../kit/telling.ts";
import { removeTemp, tempDirectory } from "../../../kit/temp.ts";
import { easyTrust } from "../../../kit/trust.ts";

const timeout = 30_000;
const never = new AbortController().signal;

test("A target that the server reaches is listened to: one that speaks is quoted, one that waits is said to.", {
  timeout,
}, async () => {
  await using server = await startSshServer({ greeting: "\u001b[31mhello" });
  await using echo = await echoServer();
  const said = await target(server, `1:127.0.0.1:${server.port}`);
  assert.deepEqual([said.outcome, said.leg, said.forward], ["ok", 3, "L1"]);
  assert.equal(said.message, `127.0.0.1:${server.port} says "\\x1b[31mhello"`);
  const silent = await target(server, `1:127.0.0.1:${echo.port}`);
  assert.match(silent.message, /takes connections, and waits/);
  await server.idle();
});

test("Of a target that is reached and needs more than its port the rest is said, as of FTP.", { timeout }, async () => {
  await using ftp = await rawServer((socket) => socket.end("220 ready\r\n"));
  await using server = await startSshServer({
    forward: (request) => {
      request.destPort = ftp.port;
      return "dial";
    },
  });
  const step = await target(server, "1:127.0.0.1:21");
  assert.equal(step.outcome, "ok");
  assert.match(step.message, /^127\.0\.0\.1:21 says "220 ready"; but FTP opens a second connection/);
});

test("Refused, unknown, prohibited, silent and hung up are told apart, each with its cure.", { timeout }, async () => {
  await using deaf = await rawServer((socket) => socket.end());
  const outcomes: readonly (readonly [ForwardAnswer, string, 2 | 3, RegExp])[] = [
    [{ refuse: 2, text: "Connection refused" }, "target.refused", 3, /nothing listens there/],
    [{ refuse: 2, text: "Name or service not known" }, "target.unreachable", 3, /looked up on the server/],
    [{ refuse: 1, text: "open failed" }, "target.prohibited", 2, /AllowTcpForwarding, PermitOpen/],
    ["hang", "target.unreachable", 3, /firewall/],
    ["dial", "target.unreachable", 3, /proxy/],
  ];
  for (const [forward, code, leg, hint] of outcomes) {
    await using server = await startSshServer({ forward: () => forward });
    const step = await target(server, `1:127.0.0.1:${deaf.port}`);
    assert.deepEqual([step.outcome, step.error?.code, step.leg], ["no", code, leg], step.message);
    assert.match(step.error?.hint ?? "", hint);
  }
});

test("A dynamic forward is fine once the server dials at all, whatever is there, and is not when it may not.", {
  timeout,
}, async () => {
  await using good = await startSshServer({});
  const step = await target(good, "1080", "D");
  assert.deepEqual([step.step, step.outcome, step.leg], ["dial", "ok", 3], step.message);
  assert.deepEqual(
    good.counts.requests.map(({ destIP, destPort }) => [destIP, destPort]),
    [["localhost", good.port]],
  );
  await using other = await startSshServer({ forward: () => ({ refuse: 2, text: "Connection refused" }) });
  assert.equal((await target(other, "1080", "D")).outcome, "ok");
  await using strict = await startSshServer({ forward: () => ({ refuse: 1, text: "open failed" }) });
  const prohibited = await target(strict, "1080", "D");
  assert.deepEqual([prohibited.error?.code, prohibited.leg], ["target.prohibited", 2]);
  assert.match(prohibited.error?.hint ?? "", /PermitOpen/);
});

test("Without a session what is on this machine is tried, and the rest is not.", { timeout }, async () => {
  await using echo = await echoServer();
  const held: Listener[] = [];
  const there = context(undefined);
  const remote = forwardOf(`8080:127.0.0.1:${echo.port}`, "R");
  const local = forwardOf(`${await freePort()}:127.0.0.1:${echo.port}`);
  const steps = [
    await checkListener(local, there, held),
    await checkTarget(local, there, 22),
    await checkListener(remote, there, held),
    await checkTarget(remote, there, 22),
    await checkTarget(forwardOf("8080", "R"), there, 22),
  ];
  assert.deepEqual(
    steps.map((step) => step?.outcome),
    ["ok", "skip", "skip", "ok", undefined],
  );
  assert.equal(held.length, 1);
  await Promise.all(held.map((listener) => listener.close()));
});

test("A listener is held, so that a second forward that wants its port is refused.", { timeout }, async () => {
  const held: Listener[] = [];
  const forward = forwardOf(`${await freePort()}:127.0.0.1:1`);
  assert.equal((await checkListener(forward, context(undefined), held))?.outcome, "ok");
  const second = await checkListener(forward, context(undefined), held);
  assert.deepEqual([second?.error?.code, second?.leg], ["listen.in-use", 1]);
  assert.match(second?.message ?? "", new RegExp(`pid ${process.pid}`));
  await Promise.all(held.map((listener) => listener.close()));
  assert.equal((await checkListener(forward, context(undefined), held))?.outcome, "ok", "it is free again");
  await Promise.all(held.map((listener) => listener.close()));
});

test("A socket that StreamLocalBindUnlink would remove stays where it is, and with it whoever listens there.", {
  timeout,
}, async () => {
  const directory = tempDirectory("check");
  const path = join(directory, "taken.sock");
  const refuse = (inbound: Inbound) => inbound.refuse(new PorthopError("cancelled", "only listening"));
  const taken = await listenUnix({ path }, refuse, { mask: 0o177 });
  const forward = forwardOf(`${path}:127.0.0.1:1`);
  const held: Listener[] = [];
  const unlinking = context(undefined, { unix: { mask: 0o177, unlink: true } });
  assert.equal((await checkListener(forward, unlinking, held))?.outcome, "ok");
  assert.equal((await checkListener(forward, context(undefined), held))?.error?.code, "listen.in-use");
  assert.deepEqual([held.length, existsSync(path)], [0, true]);
  await taken.close();
  removeTemp(directory);
});

test("A unix socket on the server is not tried, for sshd would leave its file behind.", { timeout }, async () => {
  await using server = await startSshServer({});
  const session = await connect(server);
  const step = await checkListener(forwardOf("/tmp/there.sock:127.0.0.1:1", "R"), context(session), []);
  assert.deepEqual([step?.outcome, /leave the file/.test(step?.message ?? "")], ["skip", true]);
  await session.close();
});

async function target(server: SshServer, text: string, flag: ForwardFlag = "L"): Promise<CheckStep> {
  const session = await connect(server);
  const step = await checkTarget(forwardOf(text, flag), context(session), server.port);
  await session.close();
  assert.ok(step !== undefined);
  return step;
}

function context(
  session: Session | undefined,
  options: Partial<ForwardCheckContext["options"]> = {},
): ForwardCheckContext {
  return {
    uplink: session === undefined ? undefined : uplinkWith(session),
    options: { family: undefined, unix: { mask: 0o177 }, telling: tellingTo(), ...options },
    signal: never,
    limits: { listenMs: 5000, dialMs: 500, greetingMs: 300, comeBackMs: 300 },
  };
}

function forwardOf(text: string, flag: ForwardFlag = "L"): Forward {
  const [forward] = nameForwards([parseForwardSpec(flag, text)], false);
  assert.ok(forward !== undefined);
  return forward;
}

function connect({ host, port }: SshServer): Promise<Session> {
  const user = "anna";
  const keepAlive = { keepAliveIntervalMs: 0, keepAliveCountMax: 0 };
  return Session.connect(
    {
      host,
      port,
      user,
      connectTimeoutMs: 10_000,
      handshakeTimeoutMs: 10_000,
      attempts: 1,
      ...keepAlive,
      algorithms: {},
    },
    { trust: async () => easyTrust(), ...tellingTo() },
    never,
  );
}
