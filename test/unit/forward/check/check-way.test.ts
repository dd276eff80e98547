import assert from "node:assert/strict";
import { test } from "node:test";
import { PorthopError } from "../../../../src/errors.ts";
import type { Progress } from "../../../../src/flow/event.ts";
import type { CheckStep } from "../../../../src/forward/check/check-step.ts";
import { WayCheck, type WayLimits } from "../../../../src/forward/check/check-way.ts";
import type { SessionSettings } from "../../../../src/ssh/session.ts";

const settings: SessionSettings = {
  host: "server.example",
  port: 22,
  user: "anna",
  connectTimeoutMs: undefined,
  handshakeTimeoutMs: 30_000,
  attempts: 1,
  keepAliveIntervalMs: 0,
  keepAliveCountMax: 0,
  algorithms: {},
};
const jump: SessionSettings = { ...settings, host: "gate", port: 2222, user: "otto", isJump: true };
const local = { host: "10.0.0.1", port: 40000 };
const remote = { host: "10.0.0.2", port: 22 };

const name: Progress = { done: "name", addresses: ["10.0.0.2", "fd00::2"] };
const connection: Progress = { done: "connection", local, remote };
const rest: readonly Progress[] = [
  { done: "greeting", software: "OpenSSH_9.2" },
  { done: "host-key", kind: "ED25519", fingerprint: "SHA256:abc", because: "known in ~/.ssh/known_hosts:3" },
  { done: "login", by: "publickey (~/.ssh/id)" },
];

function play(hops: readonly SessionSettings[], command?: string, limits: Partial<WayLimits> = {}) {
  const steps: CheckStep[] = [];
  const all = { nameMs: 60_000, loginMs: undefined, ...limits };
  const way = new WayCheck(hops, command, all, (step) => steps.push(step));
  return {
    way,
    steps,
    get lines() {
      return steps.map(({ step, hop, outcome, message }) => `${outcome} ${hop ?? ""}${step}: ${message}`);
    },
  };
}

test("The way to one server is told in five steps of leg 2.", () => {
  const { way, steps, lines } = played([settings], [[name, connection, ...rest]]);
  way.end();
  assert.deepEqual(lines, [
    "ok name: server.example is 10.0.0.2 and fd00::2",
    "ok tcp: 10.0.0.1:40000 -> 10.0.0.2:22",
    "ok banner: OpenSSH_9.2 at server.example:22",
    "ok host-key: ED25519 SHA256:abc, known in ~/.ssh/known_hosts:3",
    "ok login: anna, by publickey (~/.ssh/id)",
  ]);
  assert.deepEqual([...new Set(steps.map(({ leg }) => leg))], [2]);
});

test("Each jump host has its own steps, and the next host's name is for it to know.", () => {
  const through: Progress = { done: "connection", local: undefined, remote: { host: "server.example", port: 22 } };
  const { lines } = played(
    [jump, settings],
    [
      [name, connection, ...rest],
      [through, ...rest],
    ],
  );
  assert.deepEqual(
    lines.map((line) => line.split(":")[0]),
    [
      "ok 1name",
      "ok 1tcp",
      "ok 1banner",
      "ok 1host-key",
      "ok 1login",
      "ok tcp",
      "ok banner",
      "ok host-key",
      "ok login",
    ],
  );
  assert.equal(lines[5], "ok tcp: jump host 1 connects to server.example:22");
  assert.equal(lines[4], "ok 1login: otto, by publickey (~/.ssh/id)");
});

test("With a ProxyCommand there is neither a name nor a connection of ours.", () => {
  const started: Progress = { done: "connection", local: undefined, remote: undefined };
  const { lines } = played([settings], [[started, ...rest]], "nc gate 22");
  assert.deepEqual(lines.slice(0, 2), [
    "ok proxy-command: started: nc gate 22",
    "ok banner: OpenSSH_9.2 at server.example:22",
  ]);
});

test("What failed is the step under way, and all behind it on the way is not tried.", () => {
  const { way, steps } = played([jump, settings], [[name, connection, rest[0] as Progress]]);
  const error = new PorthopError("ssh.host-key-changed", "the host key of gate has changed", { leg: 2 });
  way.failed(error);
  const [no, ...skips] = steps.slice(3);
  assert.deepEqual([no?.step, no?.hop, no?.outcome, no?.error], ["host-key", 1, "no", error]);
  assert.deepEqual(
    skips.map(({ step, outcome, message }) => [step, outcome, message]),
    ["login", "tcp", "banner", "host-key", "login"].map((step) => [step, "skip", "needs the host key"]),
  );
});

test("A name that nobody answers for is late, and so is a login that is never decided.", async () => {
  const nameless = play([settings], undefined, { nameMs: 1 });
  nameless.way.begins(1);
  assert.equal((await reasonOf(nameless.way.late)).code, "host.not-found");
  const undecided = play([settings], undefined, { loginMs: 1 });
  undecided.way.begins(1);
  for (const progress of [name, connection, ...rest.slice(0, 2)]) undecided.way.progress(progress);
  assert.equal((await reasonOf(undecided.way.late)).code, "ssh.auth-failed");
});

function played(hops: readonly SessionSettings[], progress: readonly (readonly Progress[])[], command?: string) {
  const playing = play(hops, command);
  const { way } = playing;
  for (const [index, each] of progress.entries()) {
    way.begins(index + 1);
    for (const one of each) way.progress(one);
  }
  way.end();
  return playing;
}

async function reasonOf(signal: AbortSignal): Promise<PorthopError> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  return signal.reason as PorthopError;
}
