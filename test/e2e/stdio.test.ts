/** -W: stdin and stdout are the flow, and nothing else is on stdout; OpenSSH takes porthop as its ProxyCommand. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { payloadOf, tshark } from "../kit/capture.ts";
import { builtExecutable } from "../kit/executable.ts";
import { launch, type Runtime } from "../kit/launch.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { porthop } from "../kit/porthop.ts";
import { randomBytes, sha256 } from "../kit/random.ts";
import { run } from "../kit/run.ts";
import { freePort, lateAnswerServer, sinkServer, sourceServer } from "../kit/servers.ts";
import { startSshd } from "../kit/sshd.ts";
import { playTarget } from "../kit/tcp-end.ts";
import { assertTold, runToEnd } from "./failure.ts";

builtExecutable();
const missing = need("sshd", "ssh-keygen", "ssh", "tshark");
const limits = { skip: missing, timeout: 60_000 };
const theSshd = shared(() => startSshd());
const bytes = 20_000_000;

for (const runtime of ["compiled", "bun", "deno"] as const) {
  test(`On ${runtime} OpenSSH logs in through it, and 20 MB go up and down.`, limits, async () => {
    await using inner = await startSshd();
    const ssh = [...inner.sshArgs, "-o", `ProxyCommand=${await proxyCommand(runtime)}`, inner.host];
    const content = randomBytes(bytes);
    const up = await run("ssh", [...ssh, "sha256sum"], { input: content });
    assert.deepEqual([up.code, up.stderr, up.stdout], [0, "", `${sha256(content)}  -\n`]);
    const down = await run("ssh", [...ssh, "cat"], { input: content });
    assert.deepEqual([down.code, down.stderr, sha256(down.stdoutBytes)], [0, "", sha256(content)]);
  });

  test(
    `On ${runtime} an answer that comes after the end of stdin is still printed, and nothing else is.`,
    limits,
    async () => {
      await using target = await lateAnswerServer();
      const content = randomBytes(bytes, 3);
      const exit = await runToEnd(await stdioArgs(target.port), { runtime, stdin: { text: content } });
      assert.deepEqual([exit.code, exit.stderr, exit.stdout], [0, "", `${bytes} ${sha256(content)}\n`]);
    },
  );

  test(
    `On ${runtime} the target's end ends it, while stdin stays open, with all that the target said.`,
    limits,
    async () => {
      const content = randomBytes(bytes, 4);
      await using target = await sourceServer(content);
      await using program = porthop(await stdioArgs(target.port), { runtime, stdin: "pipe" });
      const exit = await program.exit;
      assert.deepEqual([exit.code, exit.stderr, sha256(exit.stdoutBytes)], [0, "", sha256(content)]);
    },
  );

  test(`On ${runtime} stdin may be empty or a file.`, limits, async () => {
    await using target = await lateAnswerServer();
    const command = launch(await stdioArgs(target.port), { runtime });
    const shell = (redirect: string) =>
      run("sh", ["-c", `exec "$@" ${redirect}`, "sh", ...command.command], { env: { ...command.env } });
    assert.equal((await shell("</dev/null")).stdout, `0 ${sha256("")}\n`);
    const [program = ""] = command.command;
    const [, size] = (await shell(`<"${program}"`)).stdout.match(/^(\d+) /) ?? [];
    assert.equal(Number(size), (await run("wc", ["-c", program])).stdout.split(" ").map(Number)[0]);
  });
}

test("Whoever reads stdout may leave: that ends it, and breaks the target's connection.", limits, async () => {
  await using target = await sourceServer({ bytes: 100_000_000 });
  const { command, env } = launch(await stdioArgs(target.port));
  const script = `{ "$@"; echo "exit $?" >&2; } | head -c 10 | wc -c`;
  const { stdout, stderr } = await run("sh", ["-c", script, "sh", ...command], { env });
  assert.deepEqual([stdout.trim(), stderr], ["10", "exit 0\n"]);
  assert.equal(target.accepted, 1);
});

test("Whoever does not read stdout holds up the target, and loses nothing.", limits, async () => {
  await using target = await playTarget();
  const { command, env } = launch(await stdioArgs(target.port));
  const [program = "", ...args] = command;
  const child = spawn(program, args, { env, stdio: ["pipe", "pipe", "inherit"] });
  child.stdout.pause();
  const closed = new Promise((resolve) => child.on("close", resolve));
  const far = await target.accepted();
  const content = randomBytes(100_000_000, 5);
  let sent = 0;
  const sending = (async () => {
    for (let at = 0; at < content.length; at += 1_000_000) {
      await far.send([content.subarray(at, at + 1_000_000)]);
      sent = at;
    }
    far.end();
  })();
  // What is on the way is bounded by the channel's window and the buffers of four sockets and a pipe.
  await settled(() => sent);
  assert.ok(sent < 60_000_000, `${sent} bytes were taken while nobody read`);
  const pieces: Uint8Array[] = [];
  child.stdout.on("data", (piece: Uint8Array) => pieces.push(piece));
  child.stdout.resume();
  await sending;
  await closed;
  assert.equal(sha256(Buffer.concat(pieces)), sha256(content));
});

test("A target that does not read holds up stdin, and loses nothing.", limits, async () => {
  await using target = await playTarget();
  await using program = porthop(await stdioArgs(target.port), { stdin: "pipe" });
  const far = await target.accepted();
  far.pause();
  const content = randomBytes(100_000_000, 6);
  program.stdin.end(content);
  await settled(() => program.stdin.writableLength);
  assert.ok(program.stdin.writableLength > 0, "all of it was taken while nobody read");
  far.resume();
  assert.deepEqual(await far.received, { bytes: content.length, sha256: sha256(content), ended: true });
  far.end();
  assert.equal((await program.exit).code, 0);
});

test("A target that refuses is an error of leg 3, and the exit code is 255.", limits, async () => {
  const port = await freePort();
  const exit = await runToEnd(await stdioArgs(port), { stdin: "pipe" });
  assertTold(exit, { exit: 255, code: "target.refused", says: [`W1#1: the target 127.0.0.1:${port} refused`] });
  assert.equal(exit.stdout, "");
});

test("A target that resets ends it as an end does, for SSH has no word for a reset.", limits, async () => {
  await using target = await playTarget();
  await using program = porthop(await stdioArgs(target.port), { stdin: "pipe" });
  const far = await target.accepted();
  program.stdin.write("hello");
  await far.got(5);
  far.reset();
  const { code, stdout, stderr } = await program.exit;
  assert.deepEqual([code, stdout, stderr], [0, "", ""]);
});

test("A session that is lost ends it with 255.", limits, async () => {
  await using sshd = await startSshd();
  await using target = await playTarget();
  const args = ["run", "-W", `127.0.0.1:${target.port}`, ...sshd.sshArgs, sshd.host];
  await using program = porthop(args, { stdin: "pipe" });
  await target.accepted();
  await sshd.kill();
  const { code, stderr } = await program.exit;
  assert.equal(code, 255);
  assert.match(stderr, /\[ssh\.lost\]/);
});

test(
  "With a log and a capture asked for, stdout has the flow's bytes alone, and the capture has them too.",
  limits,
  async () => {
    await using target = await sinkServer();
    const args = await stdioArgs(target.port);
    await using program = porthop([...args.slice(0, 1), "-v", "--capture", "w.pcapng", ...args.slice(1)], {
      stdin: { text: "hello\n" },
    });
    const { code, stdout, stderr } = await program.exit;
    assert.deepEqual([code, stdout], [0, ""]);
    assert.match(stderr, /W1#1 stdio -> 127\.0\.0\.1:\d+ up 6 B, down 0 B/);
    const file = join(program.home, "w.pcapng");
    const opened = await tshark(file, ["--disable-protocol", "ssh", "-q", "-z", "expert,warn"]);
    assert.deepEqual([opened.code, opened.stderr, opened.stdout.trim()], [0, "", ""]);
    for (const leg of ["leg1-app-listener", "leg3-sshd-target"]) {
      assert.deepEqual(await payloadOf(file, leg, "up"), { bytes: 6, sha256: sha256("hello\n") }, leg);
    }
  },
);

test("What else would write to stdout, or take stdin away, is a usage error.", limits, async () => {
  const args = await stdioArgs(80);
  for (const [flags, says] of [
    [["--json"], "--json and -W cannot both have stdout"],
    [["--capture", "-"], "--capture - and -W cannot both have stdout"],
    [["-f"], "-f and -W"],
    [["-W", "other:22"], "-W is given twice"],
  ] as const) {
    const { code, stderr } = await runToEnd(["run", ...flags, ...args.slice(1)]);
    assert.equal(code, 2, stderr);
    assert.ok(stderr.includes(says), stderr);
  }
});

test("SIGTERM ends it while nothing moves.", limits, async () => {
  await using target = await playTarget();
  const args = await stdioArgs(target.port);
  await using program = porthop(["run", "--grace", "0", ...args.slice(1)], { stdin: "pipe" });
  await target.accepted();
  program.signal("SIGTERM");
  assert.equal((await program.exit).code, 0);
  assert.equal(existsSync(`/proc/${program.pid}`), false);
});

async function stdioArgs(port: number): Promise<string[]> {
  const sshd = await theSshd();
  return ["run", "-W", `127.0.0.1:${port}`, ...sshd.sshArgs, sshd.host];
}

/** As it stands in ssh_config: a line for the shell, with ssh's own %h and %p. */
async function proxyCommand(runtime: Runtime): Promise<string> {
  const sshd = await theSshd();
  const { command, env } = launch(["run", "-W", "%h:%p", ...sshd.sshArgs, sshd.host], { runtime });
  const settings = Object.entries(env).filter(([name]) => name === "HOME" || name.startsWith("DENO_"));
  return ["env", ...settings.map(([name, value]) => `${name}=${value}`), ...command].join(" ");
}

/** Resolves when a number has stopped changing. */
async function settled(now: () => number): Promise<void> {
  for (let before = -1; before !== now(); ) {
    before = now();
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
