/**
 * Starts a program that asks a person (SSH_ASKPASS), without a shell, and returns the line that it prints. Its stdin
 * and stderr are ours, as ssh has it (readpass.c, ssh_askpass).
 */
import { spawn } from "node:child_process";
import { closeSync } from "node:fs";
import type { Readable } from "node:stream";
import { openProgramPipes } from "./program-pipes.ts";

/** As much of a line as ssh takes. */
const mostBytes = 1023;

/**
 * Resolves with the first line; with undefined when the program ended by a signal or with an exit code other than 0,
 * which is a refusal. Rejects when the program cannot be started, or with the signal's reason.
 */
export async function programAnswer(
  program: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<string | undefined> {
  // Bun's own pipe is a socket, which a script cannot open as /dev/stdout.
  const pipes = await openProgramPipes().catch(() => undefined);
  pipes?.input.destroy();
  const closePipes = () => {
    if (pipes === undefined) return;
    closeSync(pipes.stdin);
    closeSync(pipes.stdout);
  };
  let child: ReturnType<typeof spawn>;
  try {
    signal?.throwIfAborted();
    child = spawn(program, args, { stdio: ["inherit", pipes?.stdout ?? "pipe", "inherit"], env: environment });
  } catch (error) {
    pipes?.output.destroy();
    throw error;
  } finally {
    closePipes();
  }
  const output = pipes?.output ?? child.stdout;
  const stop = () => void (child.pid !== undefined && child.exitCode === null && process.kill(child.pid, "SIGTERM"));
  signal?.addEventListener("abort", stop, { once: true });
  try {
    const [code, text] = await Promise.all([exitOf(child), output === null ? "" : firstLine(output)]);
    signal?.throwIfAborted();
    return code === 0 ? text : undefined;
  } finally {
    signal?.removeEventListener("abort", stop);
    output?.destroy();
  }
}

/** The exit code; null after a signal. */
function exitOf(child: ReturnType<typeof spawn>): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code) => resolve(code));
  });
}

/** Reads to the end, because a program whose output nobody reads may fail, but keeps no more than a line can have. */
async function firstLine(output: Readable): Promise<string> {
  const kept: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of output) {
    if (bytes >= mostBytes) continue;
    kept.push(Buffer.from(chunk));
    bytes += chunk.length;
  }
  const [line = ""] = Buffer.concat(kept)
    .subarray(0, mostBytes)
    .toString("utf8")
    .split(/[\r\n]/, 1);
  return line;
}
