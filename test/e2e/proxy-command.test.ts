/** ProxyCommand: a program of the user's own is the way to sshd, and it ends with the session. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { launch } from "../kit/launch.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { porthop } from "../kit/porthop.ts";
import { descendants, gone } from "../kit/processes.ts";
import { pty } from "../kit/pty.ts";
import { run } from "../kit/run.ts";
import { echoServer, freePort, lateAnswerServer, sinkServer, sourceServer } from "../kit/servers.ts";
import { startSshd } from "../kit/sshd.ts";
import { echoes } from "../kit/tcp-end.ts";
import { tempDirectory } from "../kit/temp.ts";
import { assertCarriesBulk } from "./carriage.ts";
import { assertFails, runToEnd } from "./failure.ts";
import { jumpWay } from "./jump-way.ts";
import { lostForGood, openTunnel, type TunnelOptions } from "./tunnel.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh", "ssh-keygen", "nc", "script", "stty"), timeout: 60_000 };
const bytes = 20_000_000;
const theSshd = shared(() => startSshd());
const theWay = shared(() => jumpWay(2));

for (const runtime of ["compiled", "deno"] as const) {
  test(`Through nc 20 MB go down and up with equal hashes, on ${runtime}.`, limits, async () => {
    await carriesBulk({ args: ["-o", "ProxyCommand=nc %h %p"], runtime });
  });
}

test("Through ssh -W and another sshd 20 MB go down and up, and a half-close passes.", limits, async () => {
  const { sshds, plainArgs } = await theWay();
  const [jump] = sshds;
  const words = jump.sshArgs.map((word) => `'${word}'`).join(" ");
  const args = ["-o", `ProxyCommand=ssh ${words} -W [%h]:%p ${jump.host}`];
  const { host } = jump;
  await carriesBulk({ args }, { host, sshArgs: plainArgs });
  await using late = await lateAnswerServer();
  await using tunnel = await openTunnel({ host, sshArgs: plainArgs }, [late], { args });
  await using client = await tunnel.connect();
  await client.send("question");
  client.end();
  assert.equal((await client.received).ended, true);
  assert.match(client.text, /^8 [0-9a-f]{64}\n$/);
});

for (const command of [
  "sh -c 'cat /dev/stdin | nc %h %p'",
  "sh -c 'nc %h %p >/dev/stdout'",
  "sh -c 'cat </dev/stdin | nc %h %p | cat >/dev/stdout'",
] as const) {
  test(`A command that opens its input or output by name works as with ssh: ${command}`, limits, async () => {
    const sshd = await theSshd();
    const args = ["-o", `ProxyCommand=${command}`];
    const ssh = await run("ssh", [...args, ...sshd.sshArgs, sshd.host, "echo", "by", "ssh"]);
    assert.equal(ssh.stdout, "by ssh\n", ssh.stderr);
    for (const runtime of ["compiled", "deno"] as const) await carriesBulk({ args, runtime });
  });
}

test("Its input and output are pipes, it holds no other end, and no file is left of them.", limits, async () => {
  await using target = await echoServer();
  const folder = tempDirectory("pipes");
  const args = ["-o", "ProxyCommand=nc %h %p"];
  await using tunnel = await openTunnel(await theSshd(), [target], { args, env: { TMPDIR: folder } });
  assert.deepEqual(readdirSync(folder), []);
  const [child] = descendants(tunnel.program.pid);
  const held = readdirSync(`/proc/${child}/fd`).map((name) => readlinkSync(`/proc/${child}/fd/${name}`));
  assert.equal(held.filter((what) => what.includes(folder)).length, 2);
  assert.equal(await echoes(tunnel.port), true);
});

test("Where no pipe can be made it gets sockets, which is told to whoever asks.", limits, async () => {
  await using target = await echoServer();
  for (const env of [{ TMPDIR: "/no/such/folder" }, { TMPDIR: tempDirectory("pipes"), PATH: pathForNc() }]) {
    const args = ["-vvv", "-o", "ProxyCommand=nc %h %p"];
    await using tunnel = await openTunnel(await theSshd(), [target], { args, env });
    await tunnel.program.stderr(/the program gets sockets for stdin and stdout, not pipes: /);
    assert.equal(await echoes(tunnel.port), true);
    assert.equal((await tunnel.stop()).code, 0);
  }
});

test(
  "The tokens are the host that is dialed, the name, the port, the user, the alias and a percent sign.",
  limits,
  async () => {
    const sshd = await theSshd();
    const file = join(tempDirectory("tokens"), "words");
    await using target = await echoServer();
    const command = `sh -c 'echo "$@" >${file}; exec nc "$2" "$4"' sh host %h port %p user %r name %n alias %k %%`;
    const args = ["-o", `ProxyCommand=${command}`, "-o", "HostName=127.0.0.1"];
    const known = ["-o", `HostKeyAlias=known.alias`, "-o", `UserKnownHostsFile=${aliased(sshd.hostKeys[0] ?? "")}`];
    await using tunnel = await openTunnel({ host: "localhost", sshArgs: [...known, ...sshd.sshArgs] }, [target], {
      args,
    });
    assert.equal(await echoes(tunnel.port), true);
    const told = readFileSync(file, "utf8");
    assert.equal(told, `host 127.0.0.1 port ${sshd.port} user ${sshd.user} name localhost alias known.alias %\n`);
  },
);

test("A host or a user that could leave its place in the command is refused, and nothing is run.", limits, async () => {
  const file = join(tempDirectory("hostile"), "ran");
  const at = ["-L", `${await freePort()}:localhost:1`, "-o", `ProxyCommand=touch ${file}; echo %h %k %n %r`];
  for (const hostile of [";id", "$(id)", "`id`", "a|b", "a&b", "-oX", "a'b", 'a"b', "a\nb", "a{b}"]) {
    await assertFails([...at, "--", hostile], { exit: 2, code: "usage", says: [/destination/] });
    const asUser = await runToEnd(["run", ...at, "-l", hostile, "host"]);
    assert.deepEqual([asUser.code, /\[usage\]/.test(asUser.stderr)], [2, true], asUser.stderr);
    const asName = await runToEnd(["run", ...at, "-o", `HostName=${hostile}`, "host"]);
    assert.deepEqual([asName.code, /\[usage\]/.test(asName.stderr)], [2, true], asName.stderr);
    const asAlias = await runToEnd(["run", ...at, "-o", `HostKeyAlias=${hostile}`, "host"]);
    assert.deepEqual([asAlias.code, /\[usage\]/.test(asAlias.stderr)], [2, true], asAlias.stderr);
  }
  assert.equal(existsSync(file), false);
});

test("A command that fails is told with its exit code, after its own words.", limits, async () => {
  await fails("sh -c 'echo no way >&2; exit 7'", {
    says: [/cannot reach sshd at 127\.0\.0\.1:\d+: the ProxyCommand ended with code 7: sh -c /],
    before: [/^no way$/],
  });
  await fails("sh -c 'kill -9 $$'", { says: [/the ProxyCommand ended by SIGKILL/] });
  await fails("true", { says: [/the ProxyCommand ended with code 0/] });
  // It was told as a server that does not speak SSH, because it had said "".
  await fails("sh -c 'echo; exit 3'", { says: [/the ProxyCommand ended with code 3: sh -c /] });
});

test("A command that prints something else than SSH is told with what it said.", limits, async () => {
  await fails("printf 'HTTP/1.0 403 Forbidden\\r\\n\\r\\n'", {
    says: [/the ProxyCommand printed "HTTP\/1\.0 403 Forbidden" and no SSH greeting, and ended with code 0: printf/],
  });
});

test("An unknown token is a usage error that names those that there are.", limits, async () => {
  const sshd = await theSshd();
  const args = ["-o", "ProxyCommand=nc %q", "-L", `${await freePort()}:localhost:1`, ...sshd.sshArgs, sshd.host];
  await assertFails(args, { exit: 2, code: "usage", says: [/"%q" means nothing here, only %h, %k, %n, %p, %r, %%/] });
});

test("The first of ProxyCommand and ProxyJump decides, and none is none.", limits, async () => {
  const sshd = await theSshd();
  await using target = await echoServer();
  for (const settings of [
    ["ProxyCommand=none", "ProxyJump=nowhere"],
    ["ProxyCommand=nc %h %p", "ProxyJump=nowhere"],
  ]) {
    const args = settings.flatMap((setting) => ["-o", setting]);
    await using tunnel = await openTunnel(sshd, [target], { args });
    assert.equal(await echoes(tunnel.port), true, settings.join(" "));
  }
});

test("The command ends with porthop, also one that ignores the hangup and the end of its input.", limits, async () => {
  await using target = await echoServer();
  const stubborn = "sh -c 'trap \"\" HUP TERM; nc %h %p; while :; do sleep 1; done'";
  for (const command of ["nc %h %p", stubborn]) {
    await using tunnel = await openTunnel(await theSshd(), [target], { args: ["-o", `ProxyCommand=${command}`] });
    assert.equal(await echoes(tunnel.port), true);
    const [child] = descendants(tunnel.program.pid);
    assert.ok(child !== undefined);
    assert.equal((await tunnel.stop()).code, 0);
    await gone([child], 1);
  }
});

test("A command that dies takes the session with it, and the error says how.", limits, async () => {
  await using target = await echoServer();
  const args = [...lostForGood, "-o", "ProxyCommand=nc %h %p"];
  await using tunnel = await openTunnel(await theSshd(), [target], { args });
  await using client = await tunnel.connect();
  await client.send("hello");
  await client.got(5);
  for (const pid of descendants(tunnel.program.pid)) process.kill(pid, "SIGTERM");
  assert.equal((await client.received).ended, false);
  assert.equal((await tunnel.program.exit).code, 255);
  const errors = tunnel.program.events.filter(({ event }) => event === "error");
  assert.equal(errors.length, 1);
  assert.match(String(errors[0]?.message), /^lost the session with .*: the ProxyCommand ended by SIGTERM: nc /);
});

test("Ctrl-C, which reaches the command too, is an orderly end.", limits, async () => {
  const sshd = await theSshd();
  const words = ["-o", "ProxyCommand=nc %h %p", "-L", `${await freePort()}:localhost:1`, ...sshd.sshArgs, sshd.host];
  const { command, env, cwd } = launch(["run", ...words]);
  await using screen = pty(command, { env, cwd, columns: 200 });
  await screen.screen(/ready/);
  screen.send("\u0003");
  assert.equal(await screen.exit, 130);
  assert.doesNotMatch(screen.text, /lost|error|hint/);
});

test("In the background too, and the command knows nothing of how porthop got there.", limits, async () => {
  const sshd = await theSshd();
  const file = join(tempDirectory("environment"), "names");
  const command = `sh -c 'env >${file}; exec nc "$0" "$1"' %h %p`;
  const port = await freePort();
  await using target = await echoServer();
  const forward = ["-L", `${port}:127.0.0.1:${target.port}`];
  await using program = porthop(["run", "-f", "-o", `ProxyCommand=${command}`, ...forward, ...sshd.sshArgs, sshd.host]);
  assert.equal((await program.exit).code, 0);
  assert.equal(await echoes(port), true);
  const names = readFileSync(file, "utf8").split("\n");
  assert.ok(names.some((line) => line.startsWith("HOME=")));
  assert.deepEqual(
    names.filter((line) => line.startsWith("PORTHOP_READY")),
    [],
  );
});

test("Events know neither end of a connection that only the command has.", limits, async () => {
  await using tunnel = await openTunnel(await theSshd(), [{ host: "127.0.0.1", port: 1 }], {
    args: ["-o", "ProxyCommand=nc %h %p"],
  });
  const ready = await tunnel.program.event("session", ({ state }) => state === "ready");
  assert.deepEqual([ready["local"], ready["remote"], ready["hop"]], [undefined, undefined, undefined]);
});

async function carriesBulk(options: TunnelOptions, server?: Parameters<typeof openTunnel>[0]): Promise<void> {
  await using source = await sourceServer({ bytes, seed: 1 });
  await using sink = await sinkServer();
  await using tunnel = await openTunnel(server ?? (await theSshd()), [source, sink], options);
  await assertCarriesBulk(tunnel, sink, { bytes, seeds: [1, 2], endsLate: options.runtime === "deno" });
  assert.equal((await tunnel.stop()).code, 0);
}

async function fails(
  command: string,
  expected: { says: readonly RegExp[]; before?: readonly RegExp[] },
): Promise<void> {
  const sshd = await theSshd();
  const forward = ["-L", `${await freePort()}:localhost:1`];
  await assertFails(["-o", `ProxyCommand=${command}`, ...forward, ...sshd.sshArgs, sshd.host], {
    exit: 255,
    code: "ssh.unreachable",
    leg: 2,
    ...expected,
  });
}

/** A folder with what a ProxyCommand needs and nothing else, as a PATH. */
function pathForNc(): string {
  const folder = tempDirectory("path");
  for (const tool of ["nc", "sh"]) {
    const { stdout } = spawnSync("sh", ["-c", `command -v ${tool}`], { encoding: "utf8" });
    symlinkSync(stdout.trim(), join(folder, tool));
  }
  return folder;
}

/** A known_hosts file in which the key stands under the alias. */
function aliased(key: string): string {
  const file = join(tempDirectory("known-hosts"), "known_hosts");
  writeFileSync(file, `known.alias ${key}\n`);
  return file;
}
