/** Environments that lack what programs take for granted: a home, a user, a terminal, one of the three streams. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { type LaunchOptions, launch } from "../kit/launch.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { Porthop, porthop } from "../kit/porthop.ts";
import { gone, killTree } from "../kit/processes.ts";
import { pty } from "../kit/pty.ts";
import { run } from "../kit/run.ts";
import { echoServer, freePort } from "../kit/servers.ts";
import { startSshd } from "../kit/sshd.ts";
import { connectTo, type TcpEnd } from "../kit/tcp-end.ts";
import { removeTemp, tempDirectory } from "../kit/temp.ts";
import { untilClosed } from "./closed-port.ts";
import { assertClean, assertTold, controls } from "./failure.ts";
import { normalUser, normalUserTools } from "./normal-user.ts";

builtExecutable();
const missing = need("sshd", "ssh-keygen");
const plain = { timeout: 60_000 };
const limits = { ...plain, skip: missing };
const theSshd = shared(() => startSshd());
const theEcho = shared(() => echoServer());
const folder = tempDirectory("hostile-environment");
after(() => removeTemp(folder));

async function words(port: number, ...more: readonly string[]): Promise<string[]> {
  const [sshd, echo] = [await theSshd(), await theEcho()];
  return ["run", ...more, "-L", `${port}:${echo.host}:${echo.port}`, ...sshd.sshArgs, sshd.host];
}

/** Connects as soon as somebody listens: where the streams are gone nobody says so. */
async function connectLater(port: number): Promise<TcpEnd> {
  for (let tries = 0; ; tries++) {
    try {
      return await connectTo(port);
    } catch (error) {
      if (tries > 1000) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

async function assertForwards(port: number): Promise<void> {
  await using client = await connectLater(port);
  await client.send("hello");
  await client.got(5);
  client.end();
  assert.deepEqual([(await client.received).bytes, (await client.received).ended], [5, true]);
}

/** A shell closes what a program is to be without, as `>&-` does. */
function without(redirections: string, args: readonly string[], options: LaunchOptions = {}): Porthop {
  const launched = launch(args, options);
  return new Porthop(
    { ...launched, command: ["/bin/sh", "-c", `exec "$@" ${redirections}`, "sh", ...launched.command] },
    {},
  );
}

test("Without HOME, USER, TERM or a known language porthop forwards all the same.", limits, async () => {
  const environments: readonly Readonly<Record<string, string | undefined>>[] = [
    { HOME: undefined },
    { HOME: "" },
    { HOME: "/nonexistent/home" },
    { HOME: "relative" },
    { USER: undefined, LOGNAME: undefined },
    { USER: "\u001b[31mmallory", LOGNAME: "mallory" },
    { TERM: "dumb", LANG: "C" },
    { TERM: undefined, LANG: undefined, SHELL: undefined, PATH: undefined },
    { LANG: "tlh_KL.EUC-X", LC_ALL: "\u001b[2J", TZ: "../../etc/passwd" },
    { TMPDIR: "/nonexistent" },
    { SSH_AUTH_SOCK: "/nonexistent/agent" },
    { NO_COLOR: "1", FORCE_COLOR: "3", NODE_OPTIONS: "--no-such-option" },
  ];
  for (const env of environments) {
    const port = await freePort();
    await using program = porthop(await words(port), { env });
    await program.stderr(/^ready/m);
    await assertForwards(port);
    program.signal("SIGINT");
    const exit = await program.exit;
    assert.equal(exit.code, 130, JSON.stringify(env));
    assertClean(exit);
    assert.equal(exit.stdout, "");
  }
});

test("Without USER it is the user of the process who logs in, and a false USER is not believed.", plain, async () => {
  for (const USER of [undefined, "mallory"]) {
    await using program = porthop(["run", "--json", "-L", "18080:a:80", "-p", "1", "127.0.0.1"], {
      env: { USER, LOGNAME: USER },
    });
    const { user } = (await program.event("session")) as { user?: unknown };
    assert.equal(user, (await theSshd()).user);
    await program.exit;
  }
});

test("A home that cannot be written to costs the memory of a host key, and nothing else.", {
  ...limits,
  skip: missing || need(...normalUserTools),
}, async () => {
  await using user = await normalUser();
  const sshd = await theSshd();
  const key = join(user.home, "key");
  writeFileSync(key, readFileSync(sshd.keyFile), { mode: 0o644 });
  chmodSync(user.home, 0o555);
  const port = await freePort();
  const known = ["-o", "UserKnownHostsFile=~/.ssh/known_hosts", "-o", "StrictHostKeyChecking=accept-new"];
  const args = (await words(port, ...known)).map((word) => (word === sshd.keyFile ? key : word));
  await using program = user.start(args);
  await program.stderr(/cannot add \[127\.0\.0\.1\]:\d+ to .*known_hosts: permission denied$/m);
  await program.stderr(/^ready/m);
  await assertForwards(port);
  program.signal("SIGTERM");
  assert.equal((await program.exit).code, 0);
  assert.equal(existsSync(join(user.home, ".ssh")), false);
});

test("With TERM=dumb or NO_COLOR a terminal gets no escape sequence at all.", {
  ...limits,
  skip: missing || need("script", "stty"),
}, async () => {
  for (const env of [{ TERM: "dumb" }, { NO_COLOR: "1" }]) {
    const launched = launch(["run", "-L", "0:a:80", "host"], { env });
    await using screen = pty(launched.command, { env: launched.env, cwd: launched.cwd });
    assert.equal(await screen.exit, 2);
    assert.doesNotMatch(screen.raw.replaceAll("\r\n", "\n"), controls);
  }
});

test("Without one of the three streams, or without any, porthop forwards and ends as it should.", limits, async () => {
  for (const redirections of ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"]) {
    const port = await freePort();
    const capture = join(folder, "streams.pcapng");
    await using program = without(redirections, await words(port, "--json", "--capture", capture, "--log", "debug"));
    await assertForwards(port);
    program.signal("SIGINT");
    const exit = await program.exit;
    assert.equal(exit.code, 130, `${redirections}: ${exit.stderr}`);
    // The number of a closed stream is free: a file that got it would be written full of log lines.
    const bytes = readFileSync(capture);
    assert.equal(bytes.includes("listening on"), false, redirections);
    assert.equal(bytes.includes('"event"'), false, redirections);
  }
});

test("Errors and help have their exit codes without streams too.", plain, async () => {
  for (const redirections of ["<&-", ">&-", "2>&-", "<&- >&- 2>&-", ">/dev/full", "2>/dev/full"]) {
    for (const [args, code] of [
      [["run", "--json", "-L", "0:a:1", "host"], 2],
      [["plugins", "nope"], 1],
      [["--help"], 0],
      [["--version"], 0],
    ] as const) {
      await using program = without(redirections, args);
      assert.equal((await program.exit).code, code, `${args.join(" ")} ${redirections}`);
    }
  }
});

test("When the reader of the events goes away the forwards go on.", limits, async () => {
  const port = await freePort();
  const launched = launch(await words(port, "--json"));
  const reader = new Unread(launched.command, launched.env);
  await using _end = reader;
  await reader.ready;
  reader.closeStdout();
  for (let index = 0; index < 5; index++) await assertForwards(port);
  reader.signal("SIGINT");
  assert.equal(await reader.code, 130);
  assert.doesNotMatch(reader.stderr, /EPIPE|broken pipe/i);
});

test(
  "When the reader of the events stops reading the forwards go on, and two Ctrl-C end porthop.",
  limits,
  async () => {
    const port = await freePort();
    const launched = launch(await words(port, "--json", "--log", "error"));
    await using reader = new Unread(launched.command, launched.env);
    // Far more events than a pipe holds (64 KiB).
    for (let index = 0; index < 200; index++) await assertForwards(port);
    reader.signal("SIGINT");
    // Two signals at once may count as one: the first must have been heard.
    await untilClosed(port);
    reader.signal("SIGINT");
    // It may have come so far that nothing was left but to die of it, which a shell calls 130 too.
    const code = await reader.code;
    assert.ok(code === 130 || code === null, String(code));
  },
);

test("The output of a command may be cut off by its reader.", plain, async () => {
  const { code, stderr } = await run("/bin/sh", ["-c", '("$0" --help; echo "code $?" >&2) | true', builtExecutable()]);
  assert.deepEqual([code, stderr], [0, "code 0\n"]);
});

test("A user whom the system does not know is no reason to fail.", {
  ...limits,
  skip: missing || need(...normalUserTools),
}, async (t) => {
  if (process.getuid?.() !== 0) return t.skip("needs root to become nobody in particular");
  await using user = await normalUser();
  const stranger = ["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups"];
  const launched = launch(["run", "-L", "18080:a:80", "-p", "1", "alice@127.0.0.1"], { home: user.home });
  const command = [...stranger, join(user.home, "porthop"), ...launched.command.slice(1)];
  chmodSync(user.home, 0o755);
  await using program = new Porthop({ ...launched, command }, {});
  assertTold(await program.exit, { exit: 255, code: "ssh.unreachable", says: ["127.0.0.1:1"] });
});

test("BUN_BE_BUN, as programs of Bun's set it for what they start, makes no bun of porthop.", {
  ...plain,
  skip: process.platform === "darwin" && "a changed file would not start there",
}, async () => {
  for (const args of [["--version"], ["run"]]) {
    const told = await Promise.all(
      [undefined, "1", "true"].map(async (BUN_BE_BUN) => {
        await using program = porthop(args, { env: { BUN_BE_BUN } });
        const { code, stdout, stderr } = await program.exit;
        return { code, stdout, stderr };
      }),
    );
    assert.match(`${told[0]?.stdout}${told[0]?.stderr}`, /^porthop/);
    for (const other of told) assert.deepEqual(other, told[0]);
  }
});

test("In a folder that is gone the runtime itself says so, in a line, and nothing begins.", plain, async () => {
  // Bun asks for the folder before porthop runs. A Bun that does not makes this test fail, and a Limit go.
  const gone = 'mkdir gone && cd gone && rmdir ../gone && exec "$0" --version';
  const { code, stdout, stderr } = await run("/bin/sh", ["-c", gone, builtExecutable()], { cwd: folder });
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /^error: The current working directory was deleted[^\n]*\n$/);
});

test("A folder that goes away while porthop runs there disturbs no forward.", limits, async () => {
  const port = await freePort();
  const cwd = tempDirectory("leaving");
  await using program = porthop(await words(port), { cwd });
  await program.stderr(/^ready/m);
  removeTemp(cwd);
  await assertForwards(port);
  program.signal("SIGTERM");
  assert.equal((await program.exit).code, 0);
});

/** A program whose stdout nobody reads, which the kit's own runner always does. */
class Unread implements AsyncDisposable {
  readonly ready: Promise<void>;
  readonly code: Promise<number | null>;
  stderr = "";
  readonly #child: ChildProcess;

  constructor([program = "", ...args]: readonly string[], env: Readonly<Record<string, string>>) {
    this.#child = spawn(program, args, { env, stdio: ["ignore", "pipe", "pipe"] });
    this.code = new Promise((resolve) => this.#child.on("exit", resolve));
    this.ready = new Promise((resolve) => {
      this.#child.stderr?.on("data", (chunk: Uint8Array) => {
        this.stderr += String(chunk);
        if (this.stderr.includes("ready")) resolve();
      });
    });
  }

  closeStdout(): void {
    this.#child.stdout?.destroy();
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const killed = this.#child.exitCode === null && this.#child.pid !== undefined ? killTree(this.#child.pid) : [];
    await this.code;
    await gone(killed);
  }
}
