/** Targets that cannot be reached, and sessions that are lost: told with the leg that failed, and never as a clean end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import type { Exit, PorthopEvent } from "../kit/porthop.ts";
import { echoServer, freePort, sourceServer } from "../kit/servers.ts";
import { type ForwardAnswer, startSshServer } from "../kit/ssh-server.ts";
import { type Sshd, startSshd } from "../kit/sshd.ts";
import { assertClean, assertEvents } from "./failure.ts";
import { assertReset } from "./reset-client.ts";
import { lostForGood, openTunnel, type Server, type Target } from "./tunnel.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen"), timeout: 60_000 };
const theSshd = shared(() => startSshd());

interface Refusal {
  readonly code: string;
  readonly leg: 2 | 3;
  readonly says: readonly (string | RegExp)[];
}

/** One client of a target that cannot be had: it is reset, told once in words and once as an event, and no more ends. */
async function assertFlowRefused(
  server: Server,
  target: Target,
  expected: Refusal,
  args: readonly string[] = [],
): Promise<void> {
  await using tunnel = await openTunnel(server, [target], { args });
  await assertReset(tunnel.port);
  const { program } = tunnel;
  const error = await program.event("error");
  const closed = await program.event("flow.close");
  assert.deepEqual([error.code, error["leg"], error.flow], [expected.code, expected.leg, "L1#1"]);
  for (const part of expected.says) {
    if (typeof part === "string") assert.ok(error.message?.includes(part), `${part} in ${error.message}`);
    else assert.match(error.message ?? "", part);
  }
  assert.deepEqual([closed.reason, closed.up, closed.down], ["refused", 0, 0]);
  assert.equal((closed["error"] as PorthopEvent).code, expected.code);
  const exit: Exit = await tunnel.stop();
  assert.equal(exit.code, 0);
  assertClean(exit);
  assert.equal(exit.stderr.split("\n").filter((line) => line.includes(`[${expected.code}]`)).length, 1, exit.stderr);
  assert.equal(exit.stderr.split("\n").filter((line) => line.startsWith("  hint: ")).length, 1, exit.stderr);
}

test("A target that refuses, or whose name the server does not know, is told as leg 3's failure.", limits, async () => {
  const sshd = await theSshd();
  const target = { host: "127.0.0.1", port: await freePort() };
  const refused = {
    code: "target.refused",
    leg: 3,
    says: [`127.0.0.1:${target.port} refused the connection`],
  } as const;
  await assertFlowRefused(sshd, target, refused);
  await assertFlowRefused(
    sshd,
    { host: "::1", port: target.port },
    { ...refused, says: [`[::1]:${target.port} refused`] },
  );
  await assertFlowRefused(
    sshd,
    { host: "no-such-host.invalid", port: 80 },
    { code: "target.unreachable", leg: 3, says: ["cannot resolve", "no-such-host.invalid:80"] },
  );
});

test("What sshd_config prohibits is told with the reason of RFC 4254.", limits, async () => {
  await using target = await echoServer();
  for (const line of ["AllowTcpForwarding no", "PermitOpen none", "PermitOpen 192.0.2.1:80", "DisableForwarding yes"]) {
    await using sshd = await startSshd({ config: [line] });
    await assertFlowRefused(sshd, target, {
      code: "target.prohibited",
      leg: 2,
      says: [`${sshd.host}:${sshd.port} prohibits forwarding to ${target.host}:${target.port}`, /\(reason 1: .+\)$/],
    });
  }
});

test(
  "Every reason of RFC 4254 and every other number has its error, with the server's words escaped.",
  limits,
  async () => {
    const text = "\u001b[2J\u202eno";
    const shown = "\\x1b[2J\\u202eno";
    const answers: readonly (readonly [ForwardAnswer, Refusal])[] = [
      [
        { refuse: 1, text },
        { code: "target.prohibited", leg: 2, says: [`(reason 1: ${shown})`] },
      ],
      [
        { refuse: 2, text },
        { code: "target.unreachable", leg: 3, says: ["cannot reach the target", shown] },
      ],
      [
        { refuse: 2, text: "" },
        { code: "target.unreachable", leg: 3, says: ["no reason given"] },
      ],
      [
        { refuse: 3, text },
        { code: "target.prohibited", leg: 2, says: [`(reason 3: ${shown})`] },
      ],
      [
        { refuse: 4, text },
        { code: "target.prohibited", leg: 2, says: ["short of resources", `(reason 4: ${shown})`] },
      ],
      [
        { refuse: 99 as 4, text },
        { code: "target.prohibited", leg: 2, says: [`(reason 99: ${shown})`] },
      ],
      [
        { refuse: 0 as 1, text: "" },
        { code: "target.prohibited", leg: 2, says: ["(reason 0: no reason given)"] },
      ],
      [
        { refuse: 2, text: "x".repeat(20_000) },
        { code: "target.unreachable", leg: 3, says: [/x{100,300}…$/] },
      ],
    ];
    for (const [answer, expected] of answers) {
      await using server = await startSshServer({ forward: () => answer });
      await assertFlowRefused(server, { host: "target.example", port: 80 }, expected);
    }
  },
);

test(
  "An sshd that dies or is stopped in mid transfer resets the client, and ends porthop with 255.",
  limits,
  async () => {
    await using source = await sourceServer({ bytes: 500_000_000 });
    const ways: readonly ((sshd: Sshd) => Promise<void>)[] = [(sshd) => sshd.kill(), (sshd) => sshd.stop()];
    for (const way of ways) {
      await using sshd = await startSshd();
      await using tunnel = await openTunnel(sshd, [source], { args: lostForGood });
      await using client = await tunnel.connect();
      await client.got(1_000_000);
      await way(sshd);
      assert.equal((await client.received).ended, false, "a reset and no clean end");
      const exit = await tunnel.program.exit;
      assert.equal(exit.code, 255);
      assertClean(exit);
      const error = assertEvents(exit, 255);
      assert.deepEqual([error.code, error["leg"]], ["ssh.lost", 2]);
      assert.ok(error.message?.includes(`lost the session with ${sshd.host}:${sshd.port}`), error.message);
      const states = tunnel.program.events.filter(({ event }) => event === "session").map(({ state }) => state);
      assert.deepEqual(states, ["connecting", "ready", "lost"]);
      assert.equal((await tunnel.program.event("flow.close")).reason, "aborted");
    }
  },
);

test("An sshd that is stopped while nothing flows is noticed at once.", limits, async () => {
  for (const way of [(sshd: Sshd) => sshd.kill(), (sshd: Sshd) => sshd.stop(), (sshd: Sshd) => sshd.dropSessions()]) {
    await using sshd = await startSshd();
    await using tunnel = await openTunnel(sshd, [{ host: "127.0.0.1", port: 9 }], { args: lostForGood });
    await way(sshd);
    const exit = await tunnel.program.exit;
    assert.equal(exit.code, 255);
    assert.equal(assertEvents(exit, 255).code, "ssh.lost");
  }
});
