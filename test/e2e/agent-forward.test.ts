/** -A: programs on the server use the agent here, and only when it was asked for. */
import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { porthop } from "../kit/porthop.ts";
import { run } from "../kit/run.ts";
import { type SshAgent, startSshAgent } from "../kit/ssh-agent.ts";
import { makeKey, startSshd } from "../kit/sshd.ts";
import { tempDirectory } from "../kit/temp.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen", "ssh-agent", "ssh-add"), timeout: 60_000 };
const theSshd = shared(() => startSshd());
/** Its key's fingerprint is what the far side must see. */
const theAgent = shared(async () => {
  const agent = await startSshAgent();
  const file = makeKey(join(tempDirectory("agent-key"), "key"));
  await agent.add(file);
  const { stdout } = await run("ssh-keygen", ["-lf", file]);
  return Object.assign(agent, { fingerprint: stdout.split(" ")[1] ?? "none" });
});

async function far(flags: readonly string[], words: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const sshd = await theSshd();
  await using program = porthop(["run", ...flags, ...sshd.sshArgs, sshd.host, ...words], { env });
  const { code, stdout, stderr } = await program.exit;
  return { code, stdout, stderr };
}

function withAgent({ socket }: SshAgent) {
  return { SSH_AUTH_SOCK: socket };
}

for (const [how, flags] of [
  ["-A", ["-A"]],
  ["ForwardAgent=yes", ["-o", "ForwardAgent=yes"]],
] as const) {
  test(`With ${how}, ssh-add -l on the server lists the keys of the agent here.`, limits, async () => {
    const agent = await theAgent();
    const { code, stdout, stderr } = await far(flags, ["ssh-add", "-l"], withAgent(agent));
    assert.deepEqual([code, stderr], [0, ""]);
    assert.ok(stdout.includes(agent.fingerprint), stdout);
  });
}

test("ForwardAgent takes the path of an agent, or the variable that holds it.", limits, async () => {
  const agent = await theAgent();
  for (const value of [agent.socket, "$MY_AGENT"]) {
    const { stdout } = await far(["-o", `ForwardAgent=${value}`], ["ssh-add -l"], { MY_AGENT: agent.socket });
    assert.ok(stdout.includes(agent.fingerprint), value);
  }
});

test("-A takes the agent that ForwardAgent in the file names, as ssh does.", limits, async () => {
  const [agent, sshd] = [await theAgent(), await theSshd()];
  await using other = await startSshAgent();
  const file = join(tempDirectory("forward-agent"), "config");
  writeFileSync(file, `Host *\n  ForwardAgent ${agent.socket}\n`);
  const login = sshd.sshArgs.slice(2);
  const words = ["-F", file, "-A", ...login, sshd.host, "ssh-add -l"];
  const env = withAgent(other);
  await using program = porthop(["run", ...words], { env });
  const [ours, theirs] = [await program.exit, await run("ssh", words, { env: { ...process.env, ...env } })];
  for (const { stdout } of [ours, theirs]) assert.ok(stdout.includes(agent.fingerprint), stdout);
});

test("A key of the agent here logs in from the server to the next one.", limits, async () => {
  const agent = await theAgent();
  const { stdout: key } = await run("ssh-add", ["-L"], { env: { ...process.env, ...withAgent(agent) } });
  await using next = await startSshd({ authorizedKeys: [key.trim()] });
  const known = `-F none -o UserKnownHostsFile=${next.knownHostsFile} -o BatchMode=yes -p ${next.port}`;
  const { code, stdout } = await far(["-A"], [`ssh ${known} ${next.host} echo arrived`], withAgent(agent));
  assert.deepEqual([code, stdout], [0, "arrived\n"]);
});

test("Thirty programs at a time ask the agent, and each gets its answer.", limits, async () => {
  const agent = await theAgent();
  const loop = "for i in 1 2 3 4 5 6 7 8 9 10; do ssh-add -l & ssh-add -l & ssh-add -l & done; wait";
  const { stdout } = await far(["-A"], [loop], withAgent(agent));
  assert.equal(stdout.split("\n").filter((line) => line.includes(agent.fingerprint)).length, 30);
});

test("Unasked, with -a, or for another forward, no agent reaches the server.", limits, async () => {
  const env = withAgent(await theAgent());
  for (const flags of [[], ["-A", "-a"], ["-o", "ForwardAgent=no"]]) {
    const { stdout } = await far(flags, ["echo got $SSH_AUTH_SOCK"], env);
    assert.equal(stdout, "got\n");
  }
});

test("Without an agent here the command runs all the same, and one warning says so.", limits, async () => {
  for (const env of [{}, { SSH_AUTH_SOCK: "/nonexistent/agent" }]) {
    const { code, stdout, stderr } = await far(["-A"], ["echo got $SSH_AUTH_SOCK"], env);
    assert.deepEqual([code, stdout], [0, "got\n"]);
    assert.match(stderr, /^porthop: warning: no agent is forwarded: .*\n$/);
  }
});

test("A server that does not allow it gets a warning, and the command runs.", limits, async () => {
  const agent = await theAgent();
  await using sshd = await startSshd({ config: ["AllowAgentForwarding no"] });
  await using program = porthop(["run", "-A", ...sshd.sshArgs, sshd.host, "echo ran"], { env: withAgent(agent) });
  const { code, stdout, stderr } = await program.exit;
  assert.deepEqual([code, stdout], [0, "ran\n"]);
  assert.match(stderr, /^porthop: warning: .*AllowAgentForwarding.*\n$/);
});

test("An agent that dies in the middle breaks the program that asks, and nothing else.", limits, async () => {
  const agent = await startSshAgent();
  const sshd = await theSshd();
  const words = ["echo ready; read line; ssh-add -l; echo $?; echo still here"];
  await using program = porthop(["run", "-A", ...sshd.sshArgs, sshd.host, ...words], {
    env: withAgent(agent),
    stdin: "pipe",
  });
  await program.stdout(/ready/);
  await agent[Symbol.asyncDispose]();
  assert.equal(existsSync(agent.socket), false);
  program.stdin.end("go\n");
  const { code, stdout } = await program.exit;
  // Whether sshd has closed its socket before or after ssh-add writes into it: an error, or SIGPIPE.
  assert.match(stdout, /\n(1|141)\nstill here\n$/);
  assert.equal(code, 0);
});
