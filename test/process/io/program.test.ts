import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { type Program, startProgram } from "../../../src/io/program.ts";
import { gone, isAlive } from "../../kit/processes.ts";
import { randomBytes, sha256 } from "../../kit/random.ts";

const timeout = 30_000;
const skip = process.platform === "win32" && "needs a POSIX shell";
const environment = { PATH: process.env["PATH"] ?? "/usr/bin:/bin", SHELL: "/bin/sh", WORD: "from the environment" };

function start(command: string, changes: NodeJS.ProcessEnv = {}): Promise<Program> {
  return startProgram(command, { ...environment, ...changes });
}

/** All that it says, until it ends or breaks. */
async function said(program: Program): Promise<string> {
  const chunks: Uint8Array[] = [];
  program.stream.on("error", () => {});
  program.stream.on("data", (chunk: Uint8Array) => chunks.push(chunk));
  await once(program.stream, "end");
  return Buffer.concat(chunks).toString();
}

test("What is written is the program's input, and what it prints is read, whole.", { timeout, skip }, async () => {
  const program = await start("cat");
  const content = randomBytes(2_000_000);
  const chunks: Uint8Array[] = [];
  program.stream.on("data", (chunk: Uint8Array) => chunks.push(chunk));
  program.stream.end(content);
  await once(program.stream, "end");
  assert.equal(sha256(Buffer.concat(chunks)), sha256(content));
  assert.equal(program.outcome, "with code 0");
});

test("The command is the shell's to read, and takes the shell's place.", { timeout, skip }, async () => {
  const program = await start("sh -c 'echo \"$WORD\" $((1 + 1))'");
  assert.equal(await said(program), "from the environment 2\n");
  const itself = await start("sh -c 'cat /proc/$$/cmdline' 2>&1");
  if (process.platform === "linux") assert.match(await said(itself), /^sh\0-c\0cat/);
  else await itself.end();
});

for (const [command, outcome] of [
  ["sh -c 'exit 7'", "with code 7"],
  ["sh -c 'kill -KILL $$'", "by SIGKILL"],
  ["/no/such/program 2>/dev/null", "with code 127"],
] as const) {
  test(`How it ended is known when its output ends: ${command} ended ${outcome}.`, { timeout, skip }, async () => {
    const program = await start(command);
    await said(program);
    assert.match(program.outcome ?? "", command.startsWith("/no") ? /^with code 12[67]$/ : new RegExp(`^${outcome}$`));
  });
}

test("A shell that is not there is told, and an empty SHELL is sh.", { timeout, skip }, async () => {
  const program = await start("cat", { SHELL: "/no/such/shell" });
  program.stream.on("error", () => {});
  program.stream.resume();
  await once(program.stream, "close");
  assert.equal(program.outcome, "before it began: /no/such/shell: no such file or directory");
  await program.end();
  assert.equal(await said(await start("echo here", { SHELL: "" })), "here\n");
});

test("At the end it is hung up on, and does not outlive the call.", { timeout, skip }, async () => {
  const program = await start("sh -c 'echo $$; exec sleep 1000'");
  const [line] = (await once(program.stream, "data")) as [Uint8Array];
  const pid = Number(String(line));
  assert.equal(isAlive(pid), true);
  await program.end();
  assert.equal(program.outcome, "by SIGHUP");
  await gone([pid]);
});

test("One that ignores the hangup is killed in the end.", { timeout, skip }, async () => {
  const program = await start("sh -c 'trap \"\" HUP TERM; echo $$; while :; do sleep 0.1; done'");
  const [line] = (await once(program.stream, "data")) as [Uint8Array];
  const pid = Number(String(line));
  await program.end();
  assert.equal(program.outcome, "by SIGKILL");
  await gone([pid]);
});

test("Whoever destroys the stream ends the program, and the end of one that is over is at once.", {
  timeout,
  skip,
}, async () => {
  const program = await start("sleep 1000");
  program.stream.destroy();
  await once(program.stream, "close");
  await program.end();
  assert.equal(program.outcome, "by SIGHUP");
  await program.end();
});
