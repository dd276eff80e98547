import assert from "node:assert/strict";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { need } from "../../kit/packages.ts";
import { send } from "../../kit/processes.ts";
import { type PtyOptions, pty } from "../../kit/pty.ts";
import { run } from "../../kit/run.ts";
import { projectRoot } from "../../kit/runtime.ts";
import { snippetCommand } from "../../kit/snippet.ts";
import { tempDirectory } from "../../kit/temp.ts";

const timeout = 30_000;
const onTerminal = { skip: need("script", "stty", "sh"), timeout };
const withoutTerminal = { skip: need("setsid", "sh"), timeout };

/** Asks twice, and says on stdout what it was answered. */
const program = snippetCommand(
  { terminalPrompter: "src/cli/terminal-prompter.ts" },
  `
  let asked = 0;
  const stop = new AbortController();
  process.on("SIGTERM", () => stop.abort(new Error("stopped")));
  const output = { info: (text) => console.log("info", text), warn: (text) => console.log("warning", text) };
  const prompter = terminalPrompter(process.env, { asked: () => asked++, output, signal: stop.signal });
  if (prompter === undefined) console.log("nobody is there");
  else {
    try {
      prompter.inform("some words first");
      const name = await prompter.ask("Who is\\u001b[2J there? ");
      const secret = await prompter.secret("Password: ");
      console.log("told", JSON.stringify([name, secret, asked]));
    } catch (error) {
      console.log("thrown", error.code, error.message);
    }
  }
  process.exit(0);
  `,
);

/** The program, and then whether the terminal shows what is typed: `echo` or `-echo`. */
const thenEcho = ["sh", "-c", '"$@"; stty -a | tr " " "\\n" | grep -x -e -echo -e echo', "sh", ...program];

/** Starts the program at a terminal and answers the first question. The question about the password is then open. */
async function play(command: readonly string[] = program, options: PtyOptions = {}) {
  const terminal = pty(command, { cwd: projectRoot, columns: 120, env: quietEnvironment(), ...options });
  await terminal.screen(/some words first\r\nWho is\\x1b\[2J there\? /);
  const mark = terminal.send("Ada\r");
  await terminal.screen(/Password: /, { after: mark });
  return terminal;
}

/** The environment of this test without what decides who asks. */
function quietEnvironment(variables: Readonly<Record<string, string>> = {}): Record<string, string> {
  const deciding = /^(DISPLAY|WAYLAND_DISPLAY|SSH_ASKPASS.*|NO_COLOR|ACCESSIBLE|TERM)$/;
  const others = Object.entries(process.env).flatMap(([name, value]) =>
    value === undefined || deciding.test(name) ? [] : [[name, value] as const],
  );
  return { ...Object.fromEntries(others), TERM: "xterm-256color", ...variables };
}

/** A script to be run as SSH_ASKPASS. It notes its arguments and its variable SSH_ASKPASS_PROMPT beside itself. */
function askpass(lines: string) {
  const folder = tempDirectory("askpass");
  const path = join(folder, "ask");
  const noted = join(folder, "noted");
  const note = `printf '<%s>' "$#" "$@" "\${SSH_ASKPASS_PROMPT-none}" "\${PORTHOP_READY_FD-none}" >>'${noted}'`;
  writeFileSync(path, `#!/bin/sh\n${note}\n${lines}\n`);
  chmodSync(path, 0o755);
  return { path, folder, noted: () => (existsSync(noted) ? readFileSync(noted, "utf8") : "") };
}

async function withoutAnyTerminal(environment: Readonly<Record<string, string>>) {
  const [command, ...args] = ["setsid", "-w", ...program] as const;
  return run(command, args, { cwd: projectRoot, env: quietEnvironment(environment) });
}

test("A question is one plain line, shown with what is typed, and a secret leaves no mark.", onTerminal, async () => {
  for (const variables of [{}, { TERM: "dumb" }, { NO_COLOR: "1" }, { ACCESSIBLE: "1" }]) {
    await using terminal = await play(program, { env: quietEnvironment(variables) });
    terminal.send("s3cret\r");
    await terminal.screen(/told \["Ada","s3cret",2\]/);
    assert.equal(await terminal.exit, 0);
    const told = 'told ["Ada","s3cret",2]';
    // Deno itself clears a terminal when it begins.
    const shown = terminal.raw.slice(terminal.raw.indexOf("some words"));
    assert.equal(
      shown,
      `some words first\r\nWho is\\x1b[2J there? Ada\r\nPassword: \r\n${told}\r\n`,
      JSON.stringify(variables),
    );
  }
});

test("A line feed ends an answer too, as sshpass sends it, and CR LF ends only one.", onTerminal, async () => {
  for (const end of ["\n", "\r\n"]) {
    await using terminal = pty(program, { cwd: projectRoot, columns: 120, env: quietEnvironment() });
    await terminal.screen(/Who is\\x1b\[2J there\? /);
    const mark = terminal.send(`Ada${end}`);
    await terminal.screen(/Password: /, { after: mark });
    terminal.send(`s3cret${end}`);
    await terminal.screen(/told \["Ada","s3cret",2\]/);
    assert.equal(await terminal.exit, 0);
  }
});

test("What was typed before a question is no answer to it.", onTerminal, async () => {
  const late = ["sh", "-c", 'printf up; read line </dev/tty; exec "$@"', "sh", ...program];
  await using terminal = pty(late, { cwd: projectRoot, columns: 120, env: quietEnvironment() });
  await terminal.screen(/up/);
  terminal.send("go on\ryes\rye");
  await terminal.screen(/Who is\\x1b\[2J there\? /);
  const mark = terminal.send("Ada\r");
  await terminal.screen(/Password: /, { after: mark });
  terminal.send("s3cret\r");
  await terminal.screen(/told \["Ada","s3cret",2\]/);
});

test("Ctrl-C at a secret is a cancellation, and the terminal shows again what is typed.", onTerminal, async () => {
  await using terminal = await play(thenEcho);
  terminal.send("\u0003");
  await terminal.screen(/thrown cancelled cancelled at a question\r\necho\r\n/);
});

test("A SIGTERM at a secret leaves a terminal that shows what is typed.", onTerminal, async () => {
  await using terminal = await play(thenEcho);
  send(terminal.inside.slice(-1), "SIGTERM");
  await terminal.screen(/thrown undefined stopped\r\necho\r\n/);
});

test("Ctrl-D is an empty answer, as in ssh, and so is Enter.", onTerminal, async () => {
  for (const key of ["\u0004", "\r"]) {
    await using terminal = pty(program, { cwd: projectRoot, columns: 120, env: quietEnvironment() });
    await terminal.screen(/Who is\\x1b\[2J there\? /);
    const mark = terminal.send(key);
    await terminal.screen(/Password: /, { after: mark });
    terminal.send(key);
    await terminal.screen(/told \["","",2\]/);
  }
});

for (const [what, redirected] of [
  ["stdin is something else", "</dev/null"],
  ["stdin is a pipe", "<&3"],
  ["stderr is something else", "2>/dev/null"],
  ["nothing of it is a terminal", "</dev/null 2>/dev/null >out; cat out"],
] as const) {
  test(`When ${what} the terminal is asked all the same, as ssh does.`, onTerminal, async () => {
    const command = `cd ${tempDirectory("redirected")}; echo piped | { exec 3<&0; "$@" ${redirected}; }`;
    await using terminal = await play(["sh", "-c", command, "sh", ...program]);
    terminal.send("s3cret\r");
    await terminal.screen(/told \["Ada","s3cret",2\]/);
  });
}

test("Without a terminal and without a program that asks there is nobody to ask.", withoutTerminal, async () => {
  const { path } = askpass("echo never");
  for (const variables of [
    {},
    { SSH_ASKPASS: path },
    { SSH_ASKPASS: path, DISPLAY: "" },
    { SSH_ASKPASS: path, SSH_ASKPASS_REQUIRE: "prefer" },
    { SSH_ASKPASS: path, SSH_ASKPASS_REQUIRE: "never", DISPLAY: ":7" },
    { SSH_ASKPASS: "/nowhere/at/all", SSH_ASKPASS_REQUIRE: "force" },
    { SSH_ASKPASS: "", SSH_ASKPASS_REQUIRE: "force" },
  ]) {
    assert.equal((await withoutAnyTerminal(variables)).stdout, "nobody is there\n", JSON.stringify(variables));
  }
});

test(
  "Without a terminal SSH_ASKPASS is asked, when there is a display or when it is forced.",
  withoutTerminal,
  async () => {
    for (const variables of [{ DISPLAY: ":7" }, { WAYLAND_DISPLAY: "wayland-7" }, { SSH_ASKPASS_REQUIRE: "force" }]) {
      const { path, noted } = askpass('echo "an answer\r"; echo more; echo to stderr >&2');
      const ran = await withoutAnyTerminal({ SSH_ASKPASS: path, ...variables });
      assert.equal(ran.stdout, 'info some words first\ntold ["an answer","an answer",2]\n', JSON.stringify(variables));
      assert.equal(ran.stderr, "to stderr\nto stderr\n");
      assert.equal(noted(), "<1><some words first\nWho is\\x1b[2J there? ><none><none><1><Password: ><none><none>");
    }
  },
);

test("A program of SSH_ASKPASS without a slash is looked for in PATH.", withoutTerminal, async () => {
  const { folder } = askpass("echo found");
  const PATH = `${folder}:${process.env["PATH"]}`;
  const ran = await withoutAnyTerminal({ SSH_ASKPASS: "ask", SSH_ASKPASS_REQUIRE: "FORCE", PATH });
  assert.match(ran.stdout, /told \["found","found",2\]/);
});

test("An exit code other than 0 is a refusal, and so is a signal: the answer is empty.", withoutTerminal, async () => {
  for (const end of ["exit 1", "kill -9 $$"]) {
    const { path } = askpass(`echo yes; ${end}`);
    const ran = await withoutAnyTerminal({ SSH_ASKPASS: path, DISPLAY: ":7" });
    assert.match(ran.stdout, /told \["","",2\]/);
  }
});

test("A program that cannot be run is named, and the answer is empty.", withoutTerminal, async () => {
  const { path } = askpass("");
  writeFileSync(path, "#!/nowhere/at/all\n");
  const ran = await withoutAnyTerminal({ SSH_ASKPASS: path, DISPLAY: ":7" });
  assert.match(ran.stdout, /warning cannot run \S+\/ask \(SSH_ASKPASS\): [\s\S]*told \["","",2\]/);
});

test("A script may write its answer to /dev/stdout, and much more than an answer.", withoutTerminal, async () => {
  const { path } = askpass("echo first >/dev/stdout; head -c 300000 /dev/zero");
  const ran = await withoutAnyTerminal({ SSH_ASKPASS: path, DISPLAY: ":7" });
  assert.match(ran.stdout, /told \["first","first",2\]/);
});

test("At a terminal a program asks with prefer or force only, and never without its display.", onTerminal, async () => {
  for (const [variables, answer] of [
    [{ DISPLAY: ":7", SSH_ASKPASS_REQUIRE: "prefer" }, "by program"],
    [{ SSH_ASKPASS_REQUIRE: "force" }, "by program"],
    [{ DISPLAY: ":7" }, "s3cret"],
    [{ SSH_ASKPASS_REQUIRE: "prefer" }, "s3cret"],
    [{ DISPLAY: ":7", SSH_ASKPASS_REQUIRE: "never" }, "s3cret"],
  ] as const) {
    const { path } = askpass("echo by program");
    const env = quietEnvironment({ SSH_ASKPASS: path, ...variables });
    await using terminal =
      answer === "s3cret" ? await play(program, { env }) : pty(program, { env, cwd: projectRoot, columns: 120 });
    if (answer === "s3cret") terminal.send("s3cret\r");
    await terminal.screen(new RegExp(`told \\["(Ada|by program)","${answer}",2\\]`));
  }
});
