/** Another server when the first is out of reach (--fallback): its own login, the way back, and what a person reads of it. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { need } from "../kit/packages.ts";
import { type Porthop, porthop } from "../kit/porthop.ts";
import { echoServer, freePort } from "../kit/servers.ts";
import { type Sshd, startSshd } from "../kit/sshd.ts";
import { echoes } from "../kit/tcp-end.ts";
import { tempDirectory } from "../kit/temp.ts";
import { answerBytes, through } from "./proxy.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen"), timeout: 60_000 };

/** A configuration with a Host block for each server: its address, its user, its key and its known host. */
function configuration(servers: Readonly<Record<string, Sshd>>, knownHosts: Readonly<Record<string, string>> = {}) {
  const blocks = Object.entries(servers).map(([name, { host, port, user, keyFile, knownHostsFile }]) =>
    [
      ...[`Host ${name}`, `HostName ${host}`, `Port ${port}`, `User ${user}`, `IdentityFile ${keyFile}`],
      ...["IdentitiesOnly yes", `UserKnownHostsFile ${knownHosts[name] ?? knownHostsFile}`],
      ...["GlobalKnownHostsFile /dev/null", "UpdateHostKeys no", ""],
    ].join("\n"),
  );
  const file = join(tempDirectory("fallback"), "config");
  writeFileSync(file, blocks.join("\n"));
  return file;
}

function start(config: string, ...words: readonly string[]): Porthop {
  return porthop(["run", "--json", "-F", config, "--fallback", "second", ...words, "first"]);
}

/** The session number `count` that stands, from 1, and where it went. */
async function standing(program: Porthop, count: number): Promise<number> {
  const find = () => program.events.filter(({ state }) => state === "ready")[count - 1];
  const event = await program.event("session", (each) => each === find());
  return Number(event["port"]);
}

test(
  "The second server is used while the first is away, and the first again after the next loss.",
  limits,
  async () => {
    await using first = await startSshd();
    await using second = await startSshd();
    await using target = await echoServer();
    const [here, there, socks] = [await freePort(), await freePort(), await freePort()];
    const to = `127.0.0.1:${target.port}`;
    const forwards = ["-L", `${here}:${to}`, "-R", `127.0.0.1:${there}:${to}`, "-D", `${socks}`];
    await using program = start(configuration({ first, second }), ...forwards);
    await program.event("ready");
    const proxy = Object.assign(program, { port: socks });
    const carries = async () => {
      for (const port of [here, there]) assert.equal(await echoes(port), true);
      await using client = await through(proxy, "127.0.0.1", target.port);
      await client.send("hello");
      await client.got(answerBytes + 5);
    };
    await carries();

    await first.kill();
    assert.equal(await standing(program, 2), second.port);
    await program.stderr(new RegExp(`refused; trying the fallback 127\\.0\\.0\\.1:${second.port}$`, "m"));
    await program.stderr(new RegExp(`^connected again to ${second.user}@127\\.0\\.0\\.1:${second.port} after `, "m"));
    await program.event("listening", (event) => ofForward(program, "R1")[1] === event);
    await carries();

    await first.start();
    await second.dropSessions();
    assert.equal(await standing(program, 3), first.port);
    await program.stderr(new RegExp(`^connected again to ${first.user}@127\\.0\\.0\\.1:${first.port} after `, "m"));
    await program.event("listening", (event) => ofForward(program, "R1")[2] === event);
    await carries();
    program.signal("SIGTERM");
    const { code, stderr } = await program.exit;
    assert.equal(code, 0, stderr);
    assert.equal(stderr.match(/^R1 listening on .* of the server -> .*$/gm)?.length, 3, "it says that it moved");
    assert.equal(stderr.match(/^(L1|D1) listening /gm)?.length, 2, "these stay where they are");
  },
);

function ofForward(program: Porthop, name: string) {
  return program.events.filter(({ event, forward }) => event === "listening" && forward === name);
}

test("A fallback whose host key nobody knows is refused once, and the first is tried on.", limits, async () => {
  await using first = await startSshd();
  await using second = await startSshd();
  await using target = await echoServer();
  const port = await freePort();
  const config = configuration({ first, second }, { second: "/dev/null" });
  await using program = start(config, "--sessions", "2", "-L", `${port}:127.0.0.1:${target.port}`);
  await standing(program, 2);
  await first.kill();
  const refusal = new RegExp(`the fallback.* 127\\.0\\.0\\.1:${second.port}\\b.*; it is not tried again$`, "gm");
  await program.stderr(refusal);
  await program.event("reconnect", ({ attempt }) => Number(attempt) >= 3);
  await first.start();
  assert.equal(await standing(program, 4), first.port);
  assert.equal(await echoes(port), true);
  assert.equal(program.stderrText.match(refusal)?.length, 1, program.stderrText);
  // The kit's own greeting, and one try.
  assert.equal((await second.logSince(0)).match(/^Connection from /gm)?.length, 2);
  assert.doesNotMatch(second.log(), /Accepted publickey/);
  program.signal("SIGTERM");
  assert.equal((await program.exit).code, 0);
});

test("With both away at the first connect the end is 255, with the destination's reason.", limits, async () => {
  await using first = await startSshd();
  await using second = await startSshd();
  for (const sshd of [first, second]) await sshd.kill();
  await using program = start(configuration({ first, second }), "-L", `${await freePort()}:127.0.0.1:9`);
  const { code, stderr } = await program.exit;
  assert.equal(code, 255, stderr);
  assert.deepEqual(
    stderr.replaceAll(`:${first.port}`, ":FIRST").replaceAll(`:${second.port}`, ":SECOND").split("\n").slice(0, 4),
    [
      "porthop: warning: cannot reach sshd at 127.0.0.1:FIRST: connection refused; trying the fallback 127.0.0.1:SECOND",
      "porthop: warning: the fallback: cannot reach sshd at 127.0.0.1:SECOND: connection refused",
      "porthop: cannot reach sshd at 127.0.0.1:FIRST: connection refused [ssh.unreachable]",
      "  hint: no fallback could be used either; no program listens there: check the port (-p) and that sshd runs",
    ],
  );
  const errors = program.events.filter(({ event }) => event === "error");
  assert.deepEqual(
    errors.map(({ code: what }) => what),
    ["ssh.unreachable"],
  );
});

test("With the first away at the first connect it says that it goes to the second.", limits, async () => {
  await using first = await startSshd();
  await using second = await startSshd();
  await using target = await echoServer();
  await first.kill();
  const port = await freePort();
  await using program = start(configuration({ first, second }), "-L", `${port}:127.0.0.1:${target.port}`);
  await program.event("ready");
  assert.equal(await echoes(port), true);
  await program.stderr(new RegExp(`^connected to the fallback 127\\.0\\.0\\.1:${second.port}$`, "m"));
});
