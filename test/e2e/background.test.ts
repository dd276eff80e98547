/** `run -f`: the prompt comes back when the forwards are up, what failed before is told, and the rest goes on behind. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createConnection, createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { launch } from "../kit/launch.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { type Porthop, porthop } from "../kit/porthop.ts";
import { gone, send, withEnvironment } from "../kit/processes.ts";
import { pty } from "../kit/pty.ts";
import { run } from "../kit/run.ts";
import { echoServer, freePort } from "../kit/servers.ts";
import { startSshd } from "../kit/sshd.ts";
import { connectTo } from "../kit/tcp-end.ts";

builtExecutable();
const missing = need("sshd", "ssh-keygen");
const limits = { skip: missing, timeout: 60_000 };
const onTerminal = { ...limits, skip: missing || need("script", "stty") };
const theSshd = shared(() => startSshd());

const reported = /^in the background as pid (\d+): kill \1 stops it\r?$/m;

async function pidOf(program: Porthop): Promise<number> {
  return Number((await program.stderr(reported))[1]);
}

async function echoes(port: number): Promise<boolean> {
  await using client = await connectTo(port);
  await client.send("anybody there?\n");
  client.end();
  await client.received;
  return client.text === "anybody there?\n";
}

function isRefused(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(false);
    });
    socket.on("error", () => resolve(true));
  });
}

test(
  "run -fN comes back with 0 once the port accepts, goes on behind, and SIGTERM to its pid ends it.",
  limits,
  async () => {
    const sshd = await theSshd();
    await using target = await echoServer();
    const port = await freePort();
    await using program = porthop(["run", "-fNL", `${port}:127.0.0.1:${target.port}`, ...sshd.sshArgs, sshd.host]);
    const pid = await pidOf(program);
    assert.equal(await echoes(port), true);
    await gone([program.pid]);
    assert.equal(await echoes(port), true);
    send([pid], "SIGTERM");
    await gone([pid]);
    assert.equal(await isRefused(port), true);
    const { code, stdout, stderr } = await program.exit;
    assert.deepEqual([code, stdout], [0, ""]);
    assert.match(stderr, /^L1 listening on .*\nready\nin the background as pid \d+: kill \d+ stops it\n/);
  },
);

test("What runs behind has a session of its own, so that closing the terminal does not end it.", {
  ...limits,
  skip: missing || need("ps"),
}, async () => {
  const sshd = await theSshd();
  await using program = porthop(["run", "-f", "-L", `${await freePort()}:127.0.0.1:9`, ...sshd.sshArgs, sshd.host]);
  const pid = await pidOf(program);
  const { stdout } = await run("ps", ["-o", "sid=,pgid=", "-p", String(pid)]);
  assert.deepEqual(stdout.trim().split(/\s+/).map(Number), [pid, pid]);
  send([pid], "SIGTERM");
});

test("A shell that collects what it prints gets its prompt back too.", limits, async () => {
  const sshd = await theSshd();
  await using target = await echoServer();
  const port = await freePort();
  const { command, env, cwd, home } = launch(
    ["run", "-fN", "-L", `${port}:127.0.0.1:${target.port}`, ...sshd.sshArgs, sshd.host],
    { env: { PORTHOP_TEST_BEHIND: String(port) } },
  );
  const said = join(home, "said");
  try {
    const collect = ["-c", 'told=$("$@" 2>"$0"); echo "told=<$told> code=$?"', said, ...command];
    const { stdout } = await run("sh", collect, { env, cwd, timeoutMs: 20_000 });
    assert.equal(stdout, "told=<> code=0\n");
    assert.match(readFileSync(said, "utf8"), reported);
    assert.equal(await echoes(port), true);
  } finally {
    send(withEnvironment(`PORTHOP_TEST_BEHIND=${port}`), "SIGKILL");
  }
});

for (const runtime of ["compiled", "deno"] as const) {
  test(
    `On ${runtime} who collects stderr too is not kept waiting, and hears all up to the last word.`,
    limits,
    async () => {
      const sshd = await theSshd();
      await using target = await echoServer();
      const port = await freePort();
      const { command, env, cwd } = launch(
        ["run", "-fN", "-L", `${port}:127.0.0.1:${target.port}`, ...sshd.sshArgs, sshd.host],
        { runtime, env: { PORTHOP_TEST_BEHIND: String(port) } },
      );
      try {
        const { stdout } = await run("sh", ["-c", '"$@" 2>&1 | cat', "sh", ...command], {
          env,
          cwd,
          timeoutMs: 40_000,
        });
        assert.match(stdout, /^L1 listening on .*\nready\nin the background as pid \d+: kill \d+ stops it\n$/);
        // What it says from now on nobody hears, and that ends nothing.
        for (let flow = 0; flow < 3; flow++) assert.equal(await echoes(port), true);
      } finally {
        send(withEnvironment(`PORTHOP_TEST_BEHIND=${port}`), "SIGKILL");
      }
    },
  );

  test(`On ${runtime} the reason of a failure in the background is heard through a pipe.`, limits, async () => {
    const closed = await freePort();
    const { command, env, cwd } = launch(
      ["run", "-fN", "-F", "none", "-L", `${closed}:a:1`, "-p", String(closed), "127.0.0.1"],
      {
        runtime,
      },
    );
    const { stdout } = await run("sh", ["-c", '"$@" 2>&1 | cat', "sh", ...command], { env, cwd, timeoutMs: 40_000 });
    assert.match(stdout, /^porthop: cannot reach sshd at 127\.0\.0\.1:\d+: .*\n {2}hint: .*\n$/);
  });
}

test("Events go on to come from behind, on the stdout that was given.", limits, async () => {
  const sshd = await theSshd();
  await using target = await echoServer();
  const port = await freePort();
  const forward = ["-L", `${port}:127.0.0.1:${target.port}`];
  await using program = porthop(["run", "-f", "--json", ...forward, ...sshd.sshArgs, sshd.host]);
  const pid = await pidOf(program);
  await program.event("ready");
  assert.equal(await echoes(port), true);
  assert.equal((await program.event("flow.close")).reason, "ended");
  send([pid], "SIGTERM");
  assert.equal((await program.event("exit")).code, 0);
  assert.deepEqual(
    program.events.filter(({ event }) => event === "exit").length,
    1,
    "the one in front leaves the last word to the one behind",
  );
});

test(
  "A failure before the forwards are up is told once, with its own exit code, and leaves nothing behind.",
  limits,
  async () => {
    const sshd = await theSshd();
    const blocker = createServer();
    const port = await freePort();
    await new Promise<void>((resolve) => blocker.listen(port, "127.0.0.1", resolve));
    const taken = ["-L", `${port}:127.0.0.1:9`];
    const free = ["-L", `${await freePort()}:127.0.0.1:9`];
    try {
      for (const [args, code, error] of [
        [[...taken, ...sshd.sshArgs, sshd.host], 255, "listen.in-use"],
        [[...free, "-l", "nobody-at-all", ...sshd.sshArgs, sshd.host], 255, "ssh.auth-failed"],
        [[...free, "-F", "none", "-p", String(await freePort()), sshd.host], 255, "ssh.unreachable"],
        [[...free, "--capture", "/nonexistent/x.pcap", ...sshd.sshArgs, sshd.host], 1, "file.cannot-write"],
        [[...free, "--use", "limit:rate=nonsense", ...sshd.sshArgs, sshd.host], 1, "plugin.invalid"],
      ] as const) {
        const mark = `PORTHOP_TEST_BEHIND=${error}-${port}`;
        const [name = "", value = ""] = mark.split("=");
        await using program = porthop(["run", "-fN", ...args], { env: { [name]: value } });
        const exit = await program.exit;
        assert.equal(exit.code, code, exit.stderr);
        assert.equal(exit.stderr.match(/^porthop: /gm)?.length, 1, exit.stderr);
        assert.match(exit.stderr, new RegExp(`^porthop: .*\\[${error.replace(".", "\\.")}\\]\n {2}hint: .+\n$`));
        assert.deepEqual(withEnvironment(mark), []);
      }
    } finally {
      blocker.close();
    }
  },
);

test("With --json a failure before has one error event and one exit event.", limits, async () => {
  const args = ["run", "-f", "--json", "-L", `${await freePort()}:h:9`, "-F", "none", "-p", String(await freePort())];
  await using program = porthop([...args, "127.0.0.1"]);
  const { code, stdout } = await program.exit;
  const events = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { event: string; code?: unknown });
  assert.equal(code, 255);
  assert.deepEqual(
    events.map(({ event, code }) => `${event} ${code ?? ""}`.trim()),
    ["session", "error ssh.unreachable", "exit 255"],
  );
});

for (const [signal, expected] of [
  ["SIGINT", 130],
  ["SIGTERM", 0],
  ["SIGHUP", 0],
] as const) {
  test(`${signal} before the forwards are up ends both, with the exit code ${expected}.`, limits, async () => {
    // It accepts and says nothing.
    let arrived = () => {};
    const connected = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const silent = createServer((socket) => {
      socket.on("error", () => {});
      arrived();
    });
    const port = await freePort();
    await new Promise<void>((resolve) => silent.listen(port, "127.0.0.1", resolve));
    try {
      const mark = `${signal}-${port}`;
      const args = ["run", "-fN", "-L", `${await freePort()}:h:9`, "-F", "none", "-p", String(port), "127.0.0.1"];
      await using program = porthop(args, { env: { PORTHOP_TEST_BEHIND: mark } });
      await connected;
      program.signal(signal);
      const { code, stderr } = await program.exit;
      assert.deepEqual([code, stderr.replace(/^connecting to .*\n/, "")], [expected, ""]);
      assert.deepEqual(withEnvironment(`PORTHOP_TEST_BEHIND=${mark}`), []);
    } finally {
      silent.close();
    }
  });
}

/** `run -f` on a terminal of a host that is not known yet. Whatever goes behind ends with the test. */
async function asked() {
  const sshd = await theSshd();
  const target = await echoServer();
  const port = await freePort();
  const mark = `asked-${port}`;
  const words = ["run", "-f", "-L", `${port}:127.0.0.1:${target.port}`, "-F", "none", "-i", sshd.keyFile];
  const { command, env, cwd, home } = launch([...words, "-p", String(sshd.port), "-l", sshd.user, sshd.host], {
    env: { PORTHOP_TEST_BEHIND: mark },
  });
  const terminal = pty(command, { env, cwd, columns: 200 });
  const behind = () => withEnvironment(`PORTHOP_TEST_BEHIND=${mark}`);
  await terminal.screen(/Are you sure you want to continue connecting/);
  return {
    terminal,
    port,
    behind,
    knownHosts: join(home, ".ssh", "known_hosts"),
    hostKey: sshd.hostKeys[0] ?? "",
    async [Symbol.asyncDispose]() {
      send(behind(), "SIGKILL");
      await terminal[Symbol.asyncDispose]();
      await target[Symbol.asyncDispose]();
    },
  };
}

test(
  "The question about an unknown host key is asked in front, and answered with yes it goes behind.",
  onTerminal,
  async () => {
    await using play = await asked();
    play.terminal.send("yes\r");
    await play.terminal.screen(reported);
    assert.equal(await play.terminal.exit, 0);
    assert.equal(await echoes(play.port), true, "the terminal is gone, the forward is not");
    assert.ok(readFileSync(play.knownHosts, "utf8").includes(play.hostKey));
  },
);

test(
  "Answered with no it fails with the code of a host key that is not known, and nothing goes behind.",
  onTerminal,
  async () => {
    await using play = await asked();
    play.terminal.send("no\r");
    assert.equal(await play.terminal.exit, 255);
    assert.match(play.terminal.text, /\[ssh\.host-key-unknown\]/);
    assert.doesNotMatch(play.terminal.text, reported);
    assert.deepEqual(play.behind(), []);
  },
);

test("Ctrl-C at the question ends both with 130.", onTerminal, async () => {
  await using play = await asked();
  play.terminal.send("\u0003");
  assert.equal(await play.terminal.exit, 130);
  assert.deepEqual(play.behind(), []);
});

test("With -q nothing is said, and it goes behind all the same.", limits, async () => {
  const sshd = await theSshd();
  await using target = await echoServer();
  const port = await freePort();
  await using program = porthop(["run", "-fNq", "-L", `${port}:127.0.0.1:${target.port}`, ...sshd.sshArgs, sshd.host]);
  const { code, stderr } = await program.exit;
  assert.deepEqual([code, stderr], [0, ""]);
  assert.equal(await echoes(port), true);
});
