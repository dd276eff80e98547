import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { send } from "../../kit/processes.ts";
import { projectRoot } from "../../kit/runtime.ts";
import { snippetCommand } from "../../kit/snippet.ts";

const timeout = 30_000;

/** Says what happens to it, line by line; `release` on its stdin gives the signals back. */
const program = `
const interruption = new Interruption(new Set());
interruption.stop.addEventListener("abort", () => console.log("stop"));
interruption.hurry.addEventListener("abort", () => console.log("hurry"));
interruption.requested.then((code) => console.log("code", code));
process.stdin.on("data", () => {
  interruption.release();
  console.log("released");
});
console.log("up");
`;

function start() {
  const [command, ...args] = snippetCommand({ Interruption: "src/cli/interruption.ts" }, program);
  const child = spawn(command, args, { cwd: projectRoot, stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = once(child, "close");
  // Not child.kill: under Deno that is the end of the child's pipes.
  const signal = (name: NodeJS.Signals) => send([child.pid ?? 0], name);
  return {
    signal,
    /** Resolves with its exit code and its signal. */
    ended,
    release: () => child.stdin.write("release\n"),
    line: async () => (await lines.next()).value as string | undefined,
    async [Symbol.asyncDispose]() {
      signal("SIGKILL");
      await ended;
    },
  };
}

test("Real signals are caught, and do not end the program by themselves.", { timeout }, async () => {
  await using program = start();
  assert.equal(await program.line(), "up");
  program.signal("SIGTERM");
  assert.deepEqual([await program.line(), await program.line()], ["stop", "code 0"]);
  program.signal("SIGINT");
  assert.equal(await program.line(), "hurry");
});

test("After the release a signal ends the program as it would any other.", { timeout }, async () => {
  await using program = start();
  assert.equal(await program.line(), "up");
  program.release();
  assert.equal(await program.line(), "released");
  program.signal("SIGTERM");
  assert.deepEqual(await program.ended, [null, "SIGTERM"]);
});

for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 0],
] as const) {
  test(`A second ${signal} ends with ${code} a program that does nothing about it.`, { timeout }, async () => {
    await using program = start();
    assert.equal(await program.line(), "up");
    program.signal(signal);
    assert.equal(await program.line(), "stop");
    program.signal(signal);
    assert.deepEqual(await program.ended, [code, null]);
  });
}
