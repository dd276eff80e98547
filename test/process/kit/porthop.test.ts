import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { launch } from "../../kit/launch.ts";
import { type PorthopOptions, porthop } from "../../kit/porthop.ts";
import { currentUser, isAlive } from "../../kit/processes.ts";
import { currentRuntime } from "../../kit/runtime.ts";
import { tempDirectory } from "../../kit/temp.ts";

const timeout = 30_000;

test("Events are awaited by name and by what they hold, past ones and ones to come.", { timeout }, async () => {
  await using program = play(`
    say({ event: "session", time: "1", state: "connecting" });
    process.stdout.write('{"event":"session","time":"2",');
    setTimeout(() => process.stdout.write('"state":"ready","user":"J\\u00f8rgen"}\\nno event\\n{"not":"one"}\\n'), 10);
    process.stdin.on("data", () => say({ event: "session", time: "3", state: "lost" }));
  `);
  const ready = await program.event("session", ({ state }) => state === "ready");
  assert.deepEqual([ready.time, ready["user"]], ["2", "Jørgen"]);
  assert.equal((await program.event("session")).time, "1");
  assert.match((await program.stdout(/no event\n/))[0], /no event/);
  const next = program.nextEvent("session");
  program.stdin.write("go on");
  assert.equal((await next).time, "3");
  assert.equal(program.events.length, 3);
});

test("Waiting for an event fails with all of stderr when the program ends first.", { timeout }, async () => {
  await using program = play(`process.stderr.write("porthop: no luck [internal]\\n", () => process.exit(3));`);
  await assert.rejects(
    program.event("ready"),
    /waited for the event "ready", but porthop ended with code 3;.*\nporthop: no luck/,
  );
  await assert.rejects(program.stderr(/never/), /never.*porthop ended with code 3/);
  await assert.rejects(program.event("ready"), /porthop ended with code 3/);
});

test("The exit tells code, signal and both outputs, bytes as they were.", { timeout }, async () => {
  await using program = play(`
    process.stdout.write(Uint8Array.of(0, 255, 10, 123, 10));
    process.stderr.write("hint\\n", () => process.exit(7));
  `);
  const exit = await program.exit;
  assert.deepEqual([exit.code, exit.signal, exit.stderr], [7, null, "hint\n"]);
  assert.deepEqual([...exit.stdoutBytes], [0, 255, 10, 123, 10]);
});

test("Signals reach the program, and one that kills it is told.", { timeout }, async () => {
  await using program = play(`
    process.on("SIGINT", () => { console.error("interrupted"); process.exit(130); });
    console.error("waiting");
  `);
  await program.stderr(/waiting/);
  program.signal("SIGINT");
  assert.deepEqual([(await program.exit).code, program.stderrText], [130, "waiting\ninterrupted\n"]);
  await using other = play(`console.error("waiting");`);
  await other.stderr(/waiting/);
  other.signal("SIGKILL");
  const { code, signal } = await other.exit;
  assert.deepEqual([code, signal], [null, "SIGKILL"]);
});

test("The environment holds nothing of the tester's but what the test gives.", { timeout }, async () => {
  process.env["SSH_AUTH_SOCK"] = "/tmp/agent";
  process.env["NO_COLOR"] = "1";
  await using program = play(`say({ event: "env", time: "", ...process.env, cwd: process.cwd() });`, {
    env: { PORTHOP_X: "mine", LOGNAME: undefined },
  });
  const event = await program.event("env");
  delete process.env["SSH_AUTH_SOCK"];
  delete process.env["NO_COLOR"];
  const { SSH_AUTH_SOCK, NO_COLOR, PORTHOP_X, LOGNAME, USER, HOME, TERM, cwd } = event;
  assert.deepEqual([SSH_AUTH_SOCK, NO_COLOR, PORTHOP_X, LOGNAME], [undefined, undefined, "mine", undefined]);
  assert.deepEqual([USER, HOME, TERM, cwd], [currentUser(), program.home, "xterm-256color", program.home]);
});

test("Input is given whole, or written by the test, or is empty.", { timeout }, async () => {
  const echo = `process.stdin.pipe(process.stdout);`;
  await using given = play(echo, { stdin: { text: "all of it" } });
  assert.equal((await given.exit).stdout, "all of it");
  await using piped = play(echo);
  piped.stdin.write("bit ");
  await piped.stdout(/bit /);
  piped.stdin.end("by bit");
  assert.equal((await piped.exit).stdout, "bit by bit");
  await using none = porthop([], { runtime: currentRuntime, main: script(echo) });
  assert.equal((await none.exit).stdout, "");
  assert.throws(() => none.stdin, /stdin is closed/);
});

const noProc = process.platform === "linux" ? false : "needs /proc";
test("Nothing outlives the test: neither the program, nor its children, nor what it left in the background, nor its home.", {
  skip: noProc,
  timeout,
}, async () => {
  const pids: number[] = [];
  let home: string;
  {
    await using program = play(`
      const { spawn } = await import("node:child_process");
      const child = spawn("sleep", ["1000"]);
      spawn("sh", ["-c", "setsid sleep 1001 >/dev/null 2>&1 & echo background $! >&2"], { stdio: "inherit" });
      say({ event: "pids", time: "", child: child.pid });
    `);
    pids.push(program.pid, Number((await program.event("pids"))["child"]));
    pids.push(Number((await program.stderr(/background (\d+)\n/))[1]));
    home = program.home;
    assert.equal(pids.filter(isAlive).length, 3);
  }
  assert.deepEqual(pids.filter(isAlive), []);
  assert.equal(existsSync(home), false);
});

test("A background process that holds the output open does not hold up the exit.", {
  skip: noProc,
  timeout,
}, async () => {
  await using program = play(`
    const { spawn } = await import("node:child_process");
    spawn("sh", ["-c", "sleep 1000 & echo started"], { stdio: "inherit" }).on("exit", () => process.exit(0));
  `);
  const { code, stdout } = await program.exit;
  assert.deepEqual([code, stdout], [0, "started\n"]);
});

test("A program that cannot be run says so.", { timeout }, async () => {
  const directory = tempDirectory("cwd");
  assert.throws(() => porthop([], { runtime: currentRuntime, main: "x", cwd: join(directory, "gone") }), /cannot run/);
});

test("The source is run under the runtime that is asked for, with the arguments last.", () => {
  const bun = launch(["run", "host"], { runtime: "bun", home: "/nowhere" });
  assert.match(bun.command.join(" "), /bun\S* \S+\/src\/main\.ts run host$/);
  const deno = launch(["run", "host"], { runtime: "deno", home: "/nowhere" });
  assert.match(deno.command.join(" "), /deno\S* run -A --no-check \S+\/src\/main\.ts run host$/);
  assert.equal(deno.ownsHome, false);
});

/** A stand-in for porthop, that has `say` to print an event and lives until its input ends. */
function play(body: string, options: PorthopOptions = {}) {
  return porthop([], { runtime: currentRuntime, main: script(body), stdin: "pipe", ...options });
}

function script(body: string): string {
  const file = join(tempDirectory("stand-in"), "main.ts");
  writeFileSync(
    file,
    `import process from "node:process";
     const say = (event) => process.stdout.write(JSON.stringify(event) + "\\n");
     process.stdin.resume();
     ${body}`,
  );
  return file;
}
