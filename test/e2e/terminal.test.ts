/** A command with a terminal, in a real one: its size, its keys, its escape character, and the terminal afterwards. */
import assert from "node:assert/strict";
import { readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { launch, type Runtime } from "../kit/launch.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { descendants, send } from "../kit/processes.ts";
import { type Pty, pty } from "../kit/pty.ts";
import { startSshd } from "../kit/sshd.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen", "script", "stty"), timeout: 60_000 };
const theSshd = shared(() => startSshd());

interface Screen extends AsyncDisposable {
  readonly screen: Pty;
  /** Resolves with porthop's exit code, once it has ended and the terminal was found as it had been. */
  finish(): Promise<number>;
  pid(): number;
}

/** Runs porthop in a terminal of 31 rows and 99 columns, between two looks at the terminal's settings. */
async function inTerminal(flags: readonly string[], words: readonly string[], runtime?: Runtime): Promise<Screen> {
  const sshd = await theSshd();
  const args = ["run", ...flags, ...sshd.sshArgs, sshd.host, ...words];
  const launched = launch(args, runtime === undefined ? {} : { runtime });
  // Ctrl-C is for porthop, and the shell that looks at the terminal afterwards has to live on.
  const script = 'trap : INT; stty -g >before; "$@"; code=$?; stty -g >after; echo "ended with $code"';
  const screen = pty(["sh", "-c", script, "sh", ...launched.command], {
    rows: 31,
    columns: 99,
    env: launched.env,
    cwd: launched.cwd,
  });
  const read = (name: string) => readFileSync(join(launched.cwd, name), "utf8");
  return {
    screen,
    async finish() {
      const [, code] = await screen.screen(/ended with (\d+)/);
      await screen.exit;
      assert.equal(read("after"), read("before"), "the terminal's settings");
      return Number(code);
    },
    pid() {
      // One of a test before may still be on its way out.
      const isOurs = (each: number) => readlinkSync(`/proc/${each}/cwd`) === launched.cwd;
      const pid = descendants(process.pid).find((each) => programOf(each).includes("\0run\0") && isOurs(each));
      assert.ok(pid !== undefined);
      return pid;
    },
    [Symbol.asyncDispose]: () => screen[Symbol.asyncDispose](),
  };
}

function programOf(pid: number): string {
  const words = readFileSync(`/proc/${pid}/cmdline`, "utf8");
  return /^(sh|script)\0/.test(words) ? "" : words;
}

const waits = 'trap "echo got INT" INT; trap "echo size \\$(stty size)" WINCH; echo ready; while :; do sleep 0.1; done';

for (const runtime of ["compiled", "deno"] as const) {
  test(
    `On ${runtime} a command with -t has a terminal of our type and size, and hears of a new size.`,
    limits,
    async () => {
      const look = `echo $TERM $(stty size) $(stty -a | grep -o .iutf8); ${waits}`;
      await using terminal = await inTerminal(["-t"], [look], runtime);
      await terminal.screen.screen(/^xterm-256color 31 99 iutf8\r*$/m);
      await terminal.screen.screen(/ready/);
      terminal.screen.resize(20, 55);
      await terminal.screen.screen(/size 20 55/);
      // Ctrl-C is a key like any other.
      terminal.screen.send("\u0003");
      await terminal.screen.screen(/got INT/);
      terminal.screen.send("\r~.");
      assert.equal(await terminal.finish(), 255);
      assert.match(terminal.screen.text, /^Connection to 127\.0\.0\.1 closed\.\r*$/m);
    },
  );
}

test(
  "The exit code of a command with a terminal is porthop's, and what it wrote is on the screen.",
  limits,
  async () => {
    await using terminal = await inTerminal(["-t"], ["echo hello; exit 5"]);
    assert.equal(await terminal.finish(), 5);
    assert.match(terminal.screen.text, /hello\r\nConnection to 127\.0\.0\.1 closed\./);
  },
);

test(
  "A line feed alone goes down and not back: the terminal adds nothing while the command has it.",
  limits,
  async () => {
    await using terminal = await inTerminal(["-t"], ["stty raw; printf 'a\\nb'; stty sane"]);
    assert.equal(await terminal.finish(), 0);
    assert.match(terminal.screen.raw, /a\nb/);
  },
);

test("With -t and no command there is a shell, with forwards or without.", limits, async () => {
  await using terminal = await inTerminal(["-t"], []);
  terminal.screen.send("echo $((6 * 7)) in $(tty); exit 4\r");
  await terminal.screen.screen(/42 in \/dev\/pts\/\d+/);
  assert.equal(await terminal.finish(), 4);
});

test("~? shows help, ~~ sends one ~, and without an escape character ~. is two characters.", limits, async () => {
  await using terminal = await inTerminal(["-t"], ["stty -echo; echo ready; cat"]);
  await terminal.screen.screen(/ready/);
  terminal.screen.send("~?");
  await terminal.screen.screen(/~\. {2}disconnect/);
  terminal.screen.send("~~one\r");
  await terminal.screen.screen(/^~one\r*$/m);
  terminal.screen.send("\u0004");
  assert.equal(await terminal.finish(), 0);
  await using plain = await inTerminal(["-t", "-e", "none"], ["stty -echo; echo ready; cat"]);
  await plain.screen.screen(/ready/);
  plain.screen.send("~.two\r");
  await plain.screen.screen(/^~\.two\r*$/m);
  plain.screen.send("\u0004");
  assert.equal(await plain.finish(), 0);
});

for (const [signal, code] of [
  ["SIGTERM", 255],
  ["SIGINT", 130],
  ["SIGHUP", 255],
] as const) {
  test(`A ${signal} from elsewhere ends porthop with ${code} and leaves a sane terminal.`, limits, async () => {
    await using terminal = await inTerminal(["-t"], [waits]);
    await terminal.screen.screen(/ready/);
    send([terminal.pid()], signal);
    assert.equal(await terminal.finish(), code);
  });
}

test("After a question at the terminal the keys are the command's.", limits, async () => {
  // The first value of a keyword wins: no host key is known here.
  const ask = ["-o", "StrictHostKeyChecking=ask", "-o", "UserKnownHostsFile=asked", "-o", "BatchMode=no"];
  await using terminal = await inTerminal(["-t", ...ask], ["stty -echo; echo ready; cat"]);
  await terminal.screen.screen(/continue connecting/i);
  terminal.screen.send("yes\r");
  await terminal.screen.screen(/ready/);
  terminal.screen.send("every letter\r");
  await terminal.screen.screen(/^every letter\r*$/m);
  terminal.screen.send("\u0004");
  assert.equal(await terminal.finish(), 0);
});

test("A lost session leaves a sane terminal.", limits, async () => {
  await using terminal = await inTerminal(["-t"], [waits]);
  await terminal.screen.screen(/ready/);
  await (await theSshd()).dropSessions();
  assert.equal(await terminal.finish(), 255);
});

test("Ctrl-C without a terminal for the command ends porthop, as it ends ssh.", limits, async () => {
  await using terminal = await inTerminal([], ["echo ready; cat"]);
  await terminal.screen.screen(/ready/);
  terminal.screen.send("\u0003");
  assert.equal(await terminal.finish(), 130);
});
