/** What is written where: results on stdout, all else on stderr, as much as was asked for, coloured for eyes only. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { launch } from "../kit/launch.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { porthop } from "../kit/porthop.ts";
import { pty } from "../kit/pty.ts";
import { echoServer, freePort } from "../kit/servers.ts";
import { startSshServer } from "../kit/ssh-server.ts";
import { startSshd } from "../kit/sshd.ts";
import { connectTo } from "../kit/tcp-end.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen", "script", "stty"), timeout: 60_000 };
const theSshd = shared(() => startSshd());
const failing = ["run", "-F", "none", "-L", "1:a:1", "-p", "1", "127.0.0.1"];
const sequence = "\u001b[";

test("By default stderr has one line for each listener and each flow, and stdout nothing.", limits, async () => {
  const { exit, port, target, from } = await oneFlow([]);
  assert.equal(exit.stdout, "");
  const lines = exit.stderr.split("\n");
  assert.deepEqual(lines.slice(0, 2), [
    `L1 listening on 127.0.0.1:${port} and [::1]:${port} -> 127.0.0.1:${target}`,
    "ready: press Ctrl-C to stop",
  ]);
  assert.match(
    lines[2] ?? "",
    new RegExp(`^log: L1#1 ${from} -> 127\\.0\\.0\\.1:${target} up 5 B, down 5 B, \\d+m?s$`),
  );
  assert.deepEqual(lines.slice(3), [""]);
});

for (const flags of [["--log", "debug"], ["-v"], ["-o", "LogLevel=DEBUG"]]) {
  test(
    `${flags.join(" ")} tells of the session and of the opening too, but not of ssh2's inside.`,
    limits,
    async () => {
      const { exit } = await oneFlow(flags);
      assert.match(
        exit.stderr,
        /^logged in to \S+@127\.0\.0\.1:\d+ \((?:mlkem768|sntrup761)x25519-sha\d+, aes128-gcm@openssh\.com, host key SHA256:/m,
      );
      assert.match(exit.stderr, /^log: L1#1 open /m);
      assert.doesNotMatch(exit.stderr, /Handshake: /);
    },
  );
}

test("-vv shows what ssh2 does.", limits, async () => {
  assert.match((await oneFlow(["-vv"])).exit.stderr, /Handshake: /);
});

for (const flags of [["--log", "warn"], ["--log", "error"], ["-q"], ["--log", "silent"], ["-o", "LogLevel=QUIET"]]) {
  test(`${flags.join(" ")} says nothing while all goes well.`, limits, async () => {
    assert.deepEqual((await oneFlow(flags)).exit.stderr, "");
  });
}

test("--log silent does not even tell an error, whose exit code is the same.", limits, async () => {
  for (const [level, told] of [
    ["error", true],
    ["silent", false],
  ] as const) {
    await using program = porthop([...failing, "--log", level]);
    const { code, stderr, stdout } = await program.exit;
    assert.deepEqual([code, stderr.includes("[ssh.unreachable]"), stdout], [255, told, ""], level);
  }
});

test("--log warn tells warnings and errors of flows.", limits, async () => {
  await using server = await startSshServer({ forward: () => ({ refuse: 1 }) });
  const port = await freePort();
  await using program = porthop([
    ...["run", "--log", "warn", "-o", "VisualHostKey=yes", "-L", `${port}:a:1`],
    ...[...server.sshArgs, server.host],
  ]);
  await program.stderr(/^porthop: warning: porthop does not have VisualHostKey: no picture of a host key$/m);
  await untilListening(port);
  await program.stderr(/^porthop: L1#1: .*\[target\.prohibited\]\n {2}hint: /m);
});

test(
  "Colour is for terminals: none through a pipe, some on a terminal, none there with NO_COLOR.",
  limits,
  async () => {
    await using piped = porthop(failing);
    const { stderr } = await piped.exit;
    assert.match(stderr, /^porthop: cannot reach sshd .* \[ssh\.unreachable\]$/m);
    assert.equal(stderr.includes(sequence), false);
    assert.equal((await onTerminal({})).includes(`${sequence}31mporthop:${sequence}39m`), true);
    assert.equal((await onTerminal({ NO_COLOR: "1" })).includes(sequence), false);
    assert.equal((await onTerminal({ NO_COLOR: "" })).includes(sequence), true);
    assert.equal((await onTerminal({ TERM: "dumb" })).includes(sequence), false);
  },
);

test("What a server says is shown with its control characters made visible.", limits, async () => {
  await using server = await startSshServer({ banner: "Welcome\u001b[2J\u0007 home\r\nsecond line\n" });
  const args = ["run", "-L", `${await freePort()}:a:1`, ...server.sshArgs, server.host];
  const { command, env, cwd } = launch(args, { env: { NO_COLOR: "1" } });
  await using screen = pty(command, { env, cwd });
  await screen.screen(/ready/);
  assert.match(screen.raw, /Welcome.* home/);
  assert.match(screen.raw, /second line/);
  for (const control of ["\u001b", "\u0007"]) assert.equal(screen.raw.includes(control), false);
});

/** A tunnel and one flow of five bytes each way, without --json. */
async function oneFlow(flags: readonly string[]) {
  const sshd = await theSshd();
  await using target = await echoServer();
  const port = await freePort();
  const args = ["run", ...flags, "-L", `${port}:127.0.0.1:${target.port}`, ...sshd.sshArgs, sshd.host];
  await using program = porthop(args);
  await using client = await untilListening(port);
  await client.send("hello");
  client.end();
  await client.received;
  program.signal("SIGTERM");
  return { exit: await program.exit, port, target: target.port, from: client.address };
}

/** Without --json and below info nothing tells when the listener is there. */
async function untilListening(port: number) {
  for (const deadline = performance.now() + 20_000; performance.now() < deadline; ) {
    const client = await connectTo(port).catch(() => undefined);
    if (client !== undefined) return client;
  }
  throw new Error(`nobody listens on port ${port}`);
}

async function onTerminal(env: Readonly<Record<string, string>>): Promise<string> {
  const launched = launch(failing, { env });
  await using screen = pty(launched.command, { env: launched.env, cwd: launched.cwd });
  await screen.exit;
  assert.match(screen.text, /\[ssh\.unreachable\]/);
  return screen.raw;
}
