/** Who is asked, and where: the terminal whatever the streams are, sshpass, SSH_ASKPASS, in front of -f, two hosts. */
import assert from "node:assert/strict";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { launch, type Runtime } from "../kit/launch.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { porthop } from "../kit/porthop.ts";
import { send, withEnvironment } from "../kit/processes.ts";
import { type Pty, pty } from "../kit/pty.ts";
import { echoServer, freePort } from "../kit/servers.ts";
import { type SshServer, startSshServer } from "../kit/ssh-server.ts";
import { echoes } from "../kit/tcp-end.ts";
import { tempDirectory } from "../kit/temp.ts";

builtExecutable();
const timeout = 60_000;
const limits = { skip: need("script", "stty", "sh"), timeout };
const withSshpass = { skip: need("script", "stty", "sh", "sshpass"), timeout };
const login = { user: "alice", password: "s3cret" } as const;
const theTarget = shared(() => echoServer());
const runtimes: readonly Runtime[] = ["compiled", "bun", "deno"];

for (const runtime of runtimes) {
  test(`On ${runtime} sshpass in a terminal answers the question about the password.`, withSshpass, async () => {
    await using server = await startSshServer(login);
    for (const redirected of ["", "</dev/null", "2>/dev/null"]) {
      const port = await freePort();
      await using screen = inShell(`sshpass -p ${login.password} "$@" ${redirected}`, await run(server, port), runtime);
      await screen.screen(/"event":"ready"/);
      await serves(port);
    }
  });

  test(`On ${runtime} the question of -f is asked in front, with each kind of stdin, before it goes behind.`, {
    ...limits,
    skip: limits.skip || need("setsid"),
  }, async () => {
    await using server = await startSshServer(login);
    for (const redirected of ["", "</dev/null", "2>/dev/null </dev/null"]) {
      const port = await freePort();
      const mark = { PORTHOP_TEST_BEHIND: `prompts-${port}` };
      const behind = () => withEnvironment(`PORTHOP_TEST_BEHIND=${mark.PORTHOP_TEST_BEHIND}`);
      const words = await run(server, port, "-f");
      await using screen = inShell(`"$@" ${redirected}; stty -a`, words, runtime, mark);
      try {
        await screen.screen(/^alice@127\.0\.0\.1's password: /m);
        screen.send(`${login.password}\r`);
        await screen.screen(/"event":"ready"[\s\S]* echo /);
        assert.equal(await screen.exit, 0);
        await serves(port);
        const open = behind().map((pid) => readFileSync(`/proc/${pid}/status`, "utf8"));
        assert.equal(open.length, 1, "one process is behind");
      } finally {
        send(behind(), "SIGKILL");
      }
    }
  });
}

test("With 2>log the question is at the terminal, and the messages are in the log.", limits, async () => {
  await using server = await startSshServer(login);
  const log = join(tempDirectory("log"), "log");
  const port = await freePort();
  await using screen = inShell(`"$@" 2>'${log}'`, await run(server, port));
  await screen.screen(/^alice@127\.0\.0\.1's password: $/m);
  screen.send(`${login.password}\r`);
  await screen.screen(/"event":"ready"/);
  assert.match(readFileSync(log, "utf8"), /^ready: press Ctrl-C to stop$/m);
  assert.doesNotMatch(readFileSync(log, "utf8"), /password/);
});

test("-q, -E and --log silent hide messages and no question.", limits, async () => {
  await using server = await startSshServer(login);
  for (const flags of [["-q"], ["-E", join(tempDirectory("log"), "log")], ["--log", "silent"]]) {
    const port = await freePort();
    await using screen = inShell('"$@"', await run(server, port, ...flags));
    await screen.screen(/^alice@127\.0\.0\.1's password: $/m);
    screen.send(`${login.password}\r`);
    await screen.screen(/"event":"ready"/);
  }
});

test("-W and a command ask at the terminal, while stdin and stdout are full of data.", limits, async () => {
  await using target = await echoServer();
  await using server = await startSshServer({ ...login, exec: () => ({ stdout: "from afar\n", code: 0 }) });
  for (const [words, expected] of [
    [["-W", `127.0.0.1:${target.port}`, host], "data in a pipe\n"],
    [[host, "say it"], "from afar\n"],
  ] as const) {
    const folder = tempDirectory("piped");
    const line = `printf 'data in a pipe\\n' | "$@" >'${folder}/out'; echo "ended with $?"`;
    await using screen = inShell(line, ["run", ...known(server), ...words]);
    await screen.screen(/^alice@127\.0\.0\.1's password: $/m);
    screen.send(`${login.password}\r`);
    await screen.screen(/ended with 0/);
    assert.equal(readFileSync(join(folder, "out"), "utf8"), expected);
  }
});

test("A jump host and the target are asked for one after the other, each by its name.", limits, async () => {
  await using jump = await startSshServer({ user: "jill", password: "jumper" });
  await using server = await startSshServer(login);
  const folder = tempDirectory("known");
  const both = join(folder, "known_hosts");
  writeFileSync(both, readFileSync(jump.knownHostsFile, "utf8") + readFileSync(server.knownHostsFile, "utf8"));
  const port = await freePort();
  const words = await run(server, port, "-J", `jill@127.0.0.1:${jump.port}`);
  await using screen = inShell(
    '"$@"',
    words.map((word) => word.replace(server.knownHostsFile, both)),
  );
  await screen.screen(/^jill@127\.0\.0\.1's password: $/m);
  const after = screen.send("jumper\r");
  await screen.screen(/^alice@127\.0\.0\.1's password: $/m, { after });
  screen.send(`${login.password}\r`);
  await screen.screen(/"event":"ready"/);
});

test("Ctrl-D at the questions is an empty answer each, and the login is refused with 255.", limits, async () => {
  await using server = await startSshServer(login);
  await using screen = inShell('"$@"; echo "ended with $?"; stty -a', await run(server, await freePort()));
  for (let after = 0, round = 0; round < 3; round++) {
    await screen.screen(/^alice@127\.0\.0\.1's password: $/m, { after });
    after = screen.send("\u0004");
  }
  await screen.screen(/\[ssh\.auth-failed\][\s\S]*ended with 255[\s\S]* echo /);
});

test("Without a terminal SSH_ASKPASS answers about the host key and the password.", { timeout }, async () => {
  await using server = await startSshServer(login);
  const asking = askpass(`case "$1" in *assword*) echo ${login.password};; *) echo yes;; esac`);
  const port = await freePort();
  const hosts = join(tempDirectory("known"), "known_hosts");
  const words = strange(await run(server, port), server, hosts);
  await using program = porthop(words, { env: { SSH_ASKPASS: asking.path, WAYLAND_DISPLAY: "wayland-9" } });
  await program.event("ready");
  await serves(port);
  assert.match(
    asking.noted(),
    /^<The authenticity of host '\[127\.0\.0\.1\]:\d+ \(127\.0\.0\.1\)' can't be established\.\nED25519 key fingerprint is SHA256:\S+\.\n[\s\S]*\(yes\/no\/\[fingerprint\]\)\? ><alice@127\.0\.0\.1's password: >$/,
  );
  assert.ok(existsSync(hosts), "the host key is remembered");
});

test("A refusal of SSH_ASKPASS accepts no host key.", { timeout }, async () => {
  await using server = await startSshServer(login);
  const asking = askpass("echo yes; exit 1");
  const hosts = join(tempDirectory("known"), "known_hosts");
  const words = strange(await run(server, await freePort()), server, hosts);
  await using program = porthop(words, { env: { SSH_ASKPASS: asking.path, SSH_ASKPASS_REQUIRE: "force" } });
  assert.equal((await program.exit).code, 255);
  await program.event("error", ({ code }) => code === "ssh.host-key-unknown");
  assert.equal(existsSync(hosts), false);
});

test("With BatchMode neither the terminal nor SSH_ASKPASS is asked.", limits, async () => {
  await using server = await startSshServer(login);
  const asking = askpass("echo never");
  const words = await run(server, await freePort(), "-o", "BatchMode=yes");
  await using screen = inShell('"$@"', words, "compiled", { SSH_ASKPASS: asking.path, SSH_ASKPASS_REQUIRE: "force" });
  assert.equal(await screen.exit, 255);
  assert.equal(asking.noted(), "");
});

test("A server's question is shown on its own lines, and made safe for a program that asks.", limits, async () => {
  const prompt = "Choose:\n 1. \u001b[31mPush\n 2. Call\nOption:";
  const rounds = [{ instructions: "Two\u0007 factors", prompts: [{ prompt, echo: true }], answers: ["1"] }];
  await using server = await startSshServer({ user: "alice", rounds });
  await using screen = inShell('"$@"', await run(server, await freePort()));
  await screen.screen(
    /^Two\\x07 factors\r\n\(alice@127\.0\.0\.1\) Choose:\r\n 1\. \\x1b\[31mPush\r\n 2\. Call\r\nOption: $/m,
  );
  screen.send("1\r");
  await screen.screen(/"event":"ready"/);
  const asking = askpass("echo 1");
  await using program = porthop(await run(server, await freePort()), {
    env: { SSH_ASKPASS: asking.path, SSH_ASKPASS_REQUIRE: "force" },
  });
  await program.event("ready");
  const shown = "Choose:\n 1. \\x1b[31mPush\n 2. Call\nOption: ";
  assert.equal(asking.noted(), `<Two\\x07 factors\n(alice@127.0.0.1) ${shown}>`);
});

const host = "127.0.0.1";

function known(server: SshServer): readonly string[] {
  return [...server.sshArgs, "-l", login.user];
}

/** `run` with a forward to an echo server of the test, whose events are on stdout. */
async function run(server: SshServer, port: number, ...flags: readonly string[]): Promise<readonly string[]> {
  const forward = `${port}:127.0.0.1:${(await theTarget()).port}`;
  return ["run", "--json", "-L", forward, ...known(server), ...flags, host];
}

/** The same words for somebody who does not know the server's host key yet. */
function strange(words: readonly string[], { knownHostsFile }: SshServer, hosts: string): readonly string[] {
  return words.map((word) => word.replace(knownHostsFile, hosts).replace("Checking=yes", "Checking=ask"));
}

async function serves(port: number): Promise<void> {
  assert.equal(await echoes(port), true);
}

/** Runs a line of a shell at a terminal; `"$@"` in it is porthop. */
function inShell(
  line: string,
  words: readonly string[],
  runtime: Runtime = "compiled",
  variables: Readonly<Record<string, string>> = {},
): Pty {
  const { command, env, cwd } = launch(words, { runtime, env: variables });
  return pty(["sh", "-c", line, "sh", ...command], { env, cwd, columns: 200 });
}

/** A script for SSH_ASKPASS, which notes what it is asked. */
function askpass(line: string) {
  const folder = tempDirectory("askpass");
  const path = join(folder, "ask");
  const noted = join(folder, "noted");
  writeFileSync(path, `#!/bin/sh\nprintf '<%s>' "$1" >>'${noted}'\n${line}\n`);
  chmodSync(path, 0o755);
  return { path, noted: () => (existsSync(noted) ? readFileSync(noted, "utf8") : "") };
}
