/** A command on the server as ssh runs it: its own streams, exit code and closing rules, with forwards beside it. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { launch } from "../kit/launch.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { Porthop, type PorthopOptions, porthop } from "../kit/porthop.ts";
import { gone } from "../kit/processes.ts";
import { randomBytes, sha256 } from "../kit/random.ts";
import { echoServer, freePort } from "../kit/servers.ts";
import { type Sshd, startSshd } from "../kit/sshd.ts";
import { connectTo, echoes } from "../kit/tcp-end.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen"), timeout: 60_000 };
const theSshd = shared(() => startSshd({ config: ["AcceptEnv FOO LC_*"] }));

/** porthop with its words; the destination comes first, as flags may follow it and the command must. */
function command(sshd: Sshd, flags: readonly string[], words: readonly string[], options: PorthopOptions = {}) {
  return porthop(["run", ...flags, ...sshd.sshArgs, sshd.host, ...words], options);
}

/** porthop with its stdout into another program, in its home; its exit code goes into the file `code`. */
function into(reader: string, sshd: Sshd, flags: readonly string[], words: readonly string[]): Porthop {
  const launched = launch(["run", ...flags, ...sshd.sshArgs, sshd.host, ...words]);
  const script = `mkfifo go; { "$@"; echo $? >code; } | ${reader}`;
  return new Porthop({ ...launched, command: ["sh", "-c", script, "sh", ...launched.command] }, {});
}

async function outcome(flags: readonly string[], words: readonly string[], options: PorthopOptions = {}) {
  await using program = command(await theSshd(), flags, words, options);
  const { code, stdout, stderr } = await program.exit;
  return { code, stdout, stderr };
}

test("A command's exit code is porthop's, and its stdout and stderr come apart and alone.", limits, async () => {
  assert.deepEqual(await outcome([], ["true"]), { code: 0, stdout: "", stderr: "" });
  assert.deepEqual(await outcome([], ["--", "echo out; echo err >&2; exit 3"]), {
    code: 3,
    stdout: "out\n",
    stderr: "err\n",
  });
  assert.equal((await outcome([], ["exit", "255"])).code, 255);
});

test("The words of a command are joined by blanks and are the server's shell's to read.", limits, async () => {
  const { stdout } = await outcome([], ["echo", "a   b", "$((1 + 2))", "-N", "--", "|", "tr", "a-z", "A-Z"]);
  assert.equal(stdout, "A B 3 -N --\n");
});

test("20 MB of random bytes go to a command's stdin and come back from its stdout.", limits, async () => {
  const content = randomBytes(20_000_000);
  await using program = command(await theSshd(), [], ["cat"], { stdin: { text: content } });
  const { code, stdoutBytes } = await program.exit;
  assert.deepEqual([code, sha256(stdoutBytes)], [0, sha256(content)]);
});

test("What a command says after its stdin has ended still comes.", limits, async () => {
  const { code, stdout } = await outcome([], ["cat; sleep 0.3; echo late"], { stdin: { text: "early " } });
  assert.deepEqual([code, stdout], [0, "early late\n"]);
});

test("A command that reads nothing of a long stdin ends all the same.", limits, async () => {
  const { code, stdout } = await outcome([], ["echo done"], { stdin: { text: randomBytes(20_000_000) } });
  assert.deepEqual([code, stdout], [0, "done\n"]);
});

test("With -n a command reads nothing.", limits, async () => {
  assert.equal((await outcome(["-n"], ["cat; echo end"], { stdin: { text: "secret" } })).stdout, "end\n");
});

test("A command that a signal ended gives 255, and the signal is named.", limits, async () => {
  const { code, stderr } = await outcome([], ["kill -TERM $$"]);
  assert.deepEqual([code, stderr], [255, "porthop: the command was ended by SIGTERM\n"]);
});

test("A session that is lost under a command gives 255 and what came before.", limits, async () => {
  await using sshd = await startSshd();
  await using program = command(sshd, [], ["echo before; exec sleep 600"]);
  await program.stdout(/before/);
  await sshd.dropSessions();
  const { code, stdout, stderr } = await program.exit;
  assert.deepEqual([code, stdout], [255, "before\n"]);
  assert.match(stderr, /\[ssh\.lost\]/);
});

test("A stdout that nobody reads stalls the command, whatever it says on stderr, and no forward.", limits, async () => {
  const sshd = await theSshd();
  await using target = await echoServer();
  const port = await freePort();
  // Each round writes 1 MiB to stdout and a line to stderr, and marks how far it came.
  const far = join(sshd.directory, "far");
  const loop = `i=0; while [ $i -lt 100 ]; do head -c 1048576 /dev/zero; i=$((i+1)); echo $i >&2; echo $i >${far}; done`;
  const flags = ["-L", `${port}:127.0.0.1:${target.port}`];
  await using program = into("{ read go <go; wc -c; }", sshd, flags, [loop]);
  await program.stderr(/^1$/m);
  for (let round = 0; round < 50; round++) assert.equal(await echoes(port), true);
  const mebibytes = Number(readFileSync(far, "utf8"));
  assert.ok(mebibytes < 10, `the command came as far as ${mebibytes} MiB`);
  writeFileSync(join(program.home, "go"), "\n");
  assert.equal(Number((await program.exit).stdout), 100 * 1_048_576);
});

test(
  "When nobody reads a command's output any more, it is ended, as ssh ends it, without a word.",
  limits,
  async () => {
    await using program = into("head -n 1", await theSshd(), [], ["yes"]);
    const { stdout, stderr } = await program.exit;
    assert.deepEqual([stdout, stderr, readFileSync(join(program.home, "code"), "utf8")], ["y\n", "", "255\n"]);
  },
);

test("A command runs once the forwards are up.", limits, async () => {
  await using target = await echoServer();
  const sshd = await theSshd();
  const port = await freePort();
  const through = `exec 3<>/dev/tcp/127.0.0.1/${port}; echo through the forward >&3; head -n 1 <&3`;
  await using program = command(sshd, ["-L", `${port}:127.0.0.1:${target.port}`], [`bash -c '${through}'`]);
  assert.equal((await program.exit).stdout, "through the forward\n");
});

test(
  "porthop ends when no forwarded connection is open after its command, and takes new ones until then.",
  limits,
  async () => {
    await using sshd = await startSshd();
    await using target = await echoServer();
    const port = await freePort();
    const flags = ["-L", `${port}:127.0.0.1:${target.port}`];
    await using program = command(sshd, flags, ["echo ready; read line; exit 7"], { stdin: "pipe" });
    await program.stdout(/ready/);
    await using first = await connectTo(port);
    await first.send("one\n");
    await first.got(4);
    program.stdin.end("go\n");
    await sshd.logged(/Close session/);
    // What comes back comes behind the command's end, in the same session.
    await first.send("two\n");
    await first.got(8);
    await using second = await connectTo(port);
    await second.send("three\n");
    await second.got(6);
    first.end();
    await first.received;
    await second.send("four\n");
    await second.got(11);
    second.end();
    assert.equal((await second.received).ended, true);
    assert.equal((await program.exit).code, 7);
  },
);

test("MaxSessions 1 is enough for a command with forwards and a capture.", limits, async () => {
  await using sshd = await startSshd({ config: ["MaxSessions 1"] });
  await using target = await echoServer();
  const port = await freePort();
  const flags = ["-L", `${port}:127.0.0.1:${target.port}`, "--capture", "out.pcapng"];
  await using program = command(sshd, flags, ["echo ready; cat"], { stdin: "pipe" });
  await program.stdout(/ready/);
  await using client = await connectTo(port);
  await client.send("hello\n");
  await client.got(6);
  client.end();
  await client.received;
  program.stdin.end();
  assert.equal((await program.exit).code, 0);
  assert.ok(existsSync(join(program.home, "out.pcapng")));
});

for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 255],
] as const) {
  test(`${signal} ends porthop with ${code}, and the command finds its stdin closed.`, limits, async () => {
    await using sshd = await startSshd();
    await using program = command(sshd, [], ["echo ready; cat"], { stdin: "pipe" });
    await program.stdout(/ready/);
    const running = sshd.sessionPids();
    program.signal(signal);
    assert.equal((await program.exit).code, code);
    await gone(running);
  });
}

test("SetEnv and SendEnv give a command its variables, and nothing goes unasked.", limits, async () => {
  const flags = ["-o", "SetEnv=FOO=set", "-o", "SendEnv=LC_*"];
  const env = { LC_TIME: "sent", FOO: "mine" };
  const echo = ["echo $FOO $LC_TIME"];
  assert.equal((await outcome(flags, echo, { env })).stdout, "set sent\n");
  assert.equal((await outcome([], echo, { env })).stdout, "\n");
});

test("Compressed (-C) a command's bytes are the same.", limits, async () => {
  const content = Buffer.from("compress me, please; ".repeat(100_000));
  await using program = command(await theSshd(), ["-C"], ["cat"], { stdin: { text: content } });
  assert.equal(sha256((await program.exit).stdoutBytes), sha256(content));
});

test("Words that make no sense with a command are told before anything is connected.", limits, async () => {
  for (const [flags, told] of [
    [["--json"], /--json and a command/],
    [["--capture", "-"], /--capture - and a command/],
    [["-o", "RemoteCommand=ls"], /RemoteCommand, and a command: only one of them can run/],
  ] as const) {
    const { code, stderr } = await outcome(flags, ["true"]);
    assert.equal(code, 2);
    assert.match(stderr, told);
  }
});

test("A server that runs no command is named, and so is what it refuses.", limits, async () => {
  await using sshd = await startSshd({ config: ["MaxSessions 0"] });
  await using program = command(sshd, [], ["true"]);
  const { code, stderr } = await program.exit;
  assert.equal(code, 255);
  assert.match(stderr, /opened no session for the command.* \[forward\.refused\]/);
});

test("Under Deno, which cannot compress, -C is warned of and the command runs.", limits, async () => {
  const { code, stdout, stderr } = await outcome(["-C"], ["echo ran"], { runtime: "deno" });
  assert.deepEqual([code, stdout], [0, "ran\n"]);
  assert.equal(stderr, "porthop: warning: Compression: porthop has none under Deno\n");
});

test("A command in the background (-f) reads nothing, and what it writes comes all the same.", limits, async () => {
  await using program = command(await theSshd(), ["-f"], ["cat; echo from behind"], { stdin: { text: "unread" } });
  await program.stdout(/^from behind$/m);
  const { code, stdout } = await program.exit;
  assert.deepEqual([code, stdout], [0, "from behind\n"]);
});

for (const runtime of ["bun", "deno"] as const) {
  test(`On ${runtime} a command has its streams and its exit code.`, limits, async () => {
    const content = randomBytes(2_000_000);
    await using program = command(await theSshd(), [], ["cat; echo err >&2; exit 3"], {
      runtime,
      stdin: { text: content },
    });
    const { code, stdoutBytes, stderr } = await program.exit;
    assert.deepEqual([code, sha256(stdoutBytes), stderr], [3, sha256(content), "err\n"]);
  });
}
