/** What a server wants to have shown at a login, on a terminal and off it; and what a person types there, which nobody shows. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { launch } from "../kit/launch.ts";
import { need } from "../kit/packages.ts";
import { porthop } from "../kit/porthop.ts";
import { type Pty, pty } from "../kit/pty.ts";
import { freePort } from "../kit/servers.ts";
import { type SshServer, type SshServerOptions, startSshServer } from "../kit/ssh-server.ts";
import { assertClean, controls } from "./failure.ts";

builtExecutable();
const plain = { timeout: 60_000 };
const limits = { ...plain, skip: need("script", "stty") };

/** Sets the window's title, clears the screen, turns red (in two ways), runs backwards, hides a character. */
const nasty = "\u001b]0;pwned\u0007\u001b[2J\u001b[31m\u009b32m\u202etxet\u200b";
const shown = "\\x1b]0;pwned\\x07\\x1b[2J\\x1b[31m\\x9b32m\\u202etxet\\u200b";

function args(server: SshServer, port: number, ...more: readonly string[]): string[] {
  return ["run", ...more, "-L", `${port}:localhost:80`, "-l", "alice", ...server.sshArgs, server.host];
}

async function terminal(server: SshServer, ...more: readonly string[]): Promise<Pty> {
  const { command, env, cwd } = launch(args(server, await freePort(), ...more));
  return pty(command, { env, cwd, columns: 200 });
}

function assertEscaped(raw: string): void {
  for (const part of ["\u001b]0;", "\u0007", "\u001b[2J", "\u009b", "\u202e", "\u200b"]) {
    assert.equal(raw.includes(part), false, `${JSON.stringify(part)} in ${JSON.stringify(raw)}`);
  }
}

test("A banner's lines stay lines, and its escape sequences are shown and not sent.", limits, async () => {
  const banner = `Authorised ${nasty} use only\r\n\tsecond line\r\nthird line\r\n`;
  const lines = `Authorised ${shown} use only\n second line\nthird line\n`;
  await using server = await startSshServer({ banner });
  await using program = porthop(args(server, await freePort(), "--json", "-v", "-v"));
  await program.event("ready");
  await program.stderr(/third line\n/);
  assert.ok(program.stderrText.includes(lines), JSON.stringify(program.stderrText));
  program.signal("SIGINT");
  assert.doesNotMatch((await program.exit).stderr, controls);
  await using screen = await terminal(server);
  await screen.screen(/^ready/m);
  assert.ok(screen.text.replaceAll("\r", "").includes(lines), JSON.stringify(screen.raw));
  assertEscaped(screen.raw);
});

test("Without a terminal a banner is shown before the login fails, and -q keeps it quiet.", plain, async () => {
  await using server = await startSshServer({ banner: `${nasty}\n`, password: "unknown" });
  await using program = porthop(args(server, await freePort()));
  const exit = await program.exit;
  assertClean(exit);
  assert.ok(exit.stderr.startsWith(`${shown}\n`), exit.stderr);
  await using quiet = porthop(args(server, await freePort(), "-q"));
  assert.match((await quiet.exit).stderr, /^porthop: .*\[ssh\.auth-failed\]\n {2}hint: .*\n$/);
});

test("A server's questions are shown escaped, with who asks, in every round.", limits, async () => {
  const rounds = [
    {
      title: `Title ${nasty}`,
      instructions: `Do\n${nasty}`,
      prompts: [{ prompt: `Token ${nasty}:` }],
      answers: ["one"],
    },
    { prompts: [{ prompt: "Colour:", echo: true }, { prompt: `${"x".repeat(5000)}:` }], answers: ["blue", "two"] },
  ];
  await using server = await startSshServer({ rounds });
  await using screen = await terminal(server);
  await screen.screen(/^\(alice@127\.0\.0\.1\) Token /m);
  assert.ok(screen.text.includes(`Title ${shown}`), "the title");
  assert.ok(screen.text.includes(`Do\r\n${shown}`), "the instructions");
  let after = screen.send("one\r");
  await screen.screen(/^\(alice@127\.0\.0\.1\) Colour:/m, { after });
  after = screen.send("blue\r");
  await screen.screen(/^\(alice@127\.0\.0\.1\) x+/m, { after });
  screen.send("two\r");
  await screen.screen(/^ready/m);
  assertEscaped(screen.raw);
  screen.send("\u0003");
  assert.equal(await screen.exit, 130);
});

test("A password and the answers to secret questions are nowhere to be seen, not even with -vv.", limits, async () => {
  const servers: readonly SshServerOptions[] = [
    { password: "swordfish" },
    { rounds: [{ prompts: [{ prompt: "Secret:" }], answers: ["swordfish"] }] },
  ];
  for (const options of servers) {
    await using server = await startSshServer(options);
    await using screen = await terminal(server, "-vv", "--json");
    let after = 0;
    for (const guess of ["marlin", "swordfish"]) {
      await screen.screen(/^.*(password|Secret): /m, { after });
      after = screen.send(`${guess}\r`);
    }
    await screen.screen(/"event":"ready"/);
    screen.send("\u0003");
    assert.equal(await screen.exit, 130);
    assert.doesNotMatch(screen.raw, /marlin|swordfish/);
  }
});

test("A server that hangs up while it waits for a password leaves an error and a sane terminal.", limits, async () => {
  await using server = await startSshServer({ password: "swordfish" });
  const { command, env, cwd } = launch(args(server, await freePort()));
  const line = '"$@"; echo "exit code $?"; stty -a';
  await using screen = pty(["/bin/sh", "-c", line, "sh", ...command], { env, cwd, columns: 200 });
  await screen.screen(/^.*password: $/m);
  screen.send("sword");
  server.drop();
  await screen.screen(/exit code 255[\s\S]* icanon [\s\S]* echo /);
  assert.match(screen.text, /^.*porthop: .*\[ssh\.lost\]\r?$/m);
});

test("Ctrl-C at a question ends porthop with 130 and a sane terminal.", limits, async () => {
  await using server = await startSshServer({ password: "swordfish" });
  const { command, env, cwd } = launch(args(server, await freePort()));
  const line = '"$@"; echo "exit code $?"; stty -a';
  await using screen = pty(["/bin/sh", "-c", line, "sh", ...command], { env, cwd, columns: 200 });
  await screen.screen(/^.*password: $/m);
  screen.send("\u0003");
  await screen.screen(/exit code 130[\s\S]* icanon [\s\S]* echo /);
});
