/**
 * Runs a real tool (curl, ssh, tshark) to its end and collects its output. A tool that does not end is killed with all
 * processes below it, and the error shows the output so far.
 */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { atExit } from "./lifetime.ts";
import { killTree } from "./processes.ts";

export interface Ran {
  /** The exit code, or 128 and the signal's number, as in a shell. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly stdoutBytes: Uint8Array;
}

export interface RunOptions {
  readonly input?: string | Uint8Array;
  /** The whole environment. Undefined for this process's own. */
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly timeoutMs?: number;
  /** Gets the output piece by piece; the output is then not collected. */
  readonly onStdout?: (chunk: Uint8Array) => void;
}

export function run(command: string, args: readonly string[] = [], options: RunOptions = {}): Promise<Ran> {
  const timeoutMs = options.timeoutMs ?? 60_000;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
      env: options.env ?? process.env,
      // In a process session of its own, without the tester's terminal, on which ssh and porthop would ask.
      detached: true,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    const stdout: Uint8Array[] = [];
    const stderr: Uint8Array[] = [];
    const kill = () => {
      if (child.pid !== undefined) killTree(child.pid);
    };
    const forget = atExit(kill);
    const timer = setTimeout(() => {
      kill();
      reject(new Error(`${command} did not end within ${timeoutMs} ms; it said:\n${text(stdout)}${text(stderr)}`));
    }, timeoutMs);
    child.stdout?.on("data", options.onStdout ?? ((chunk: Uint8Array) => stdout.push(chunk)));
    child.stderr?.on("data", (chunk: Uint8Array) => stderr.push(chunk));
    const done = () => {
      clearTimeout(timer);
      forget();
    };
    child.on("error", (error) => {
      done();
      reject(error);
    });
    child.on("close", (code, signal) => {
      done();
      const stdoutBytes = Buffer.concat(stdout);
      resolve({ code: exitCode(code, signal), stdout: text(stdout), stderr: text(stderr), stdoutBytes });
    });
    // A tool may end without reading its input, and that is no failure of the test.
    child.stdin?.on("error", () => {});
    child.stdin?.end(options.input);
  });
}

function text(chunks: readonly Uint8Array[]): string {
  return Buffer.concat(chunks).toString("utf8");
}

function exitCode(code: number | null, signal: NodeJS.Signals | null): number {
  if (code !== null) return code;
  return 128 + (signal === null ? 0 : constants.signals[signal]);
}
