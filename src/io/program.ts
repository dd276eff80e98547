/**
 * A program whose stdin and stdout are a stream (ProxyCommand). It is run as ssh does it, by the user's shell, and it
 * ends with its stream: a hangup, and a kill for one that does not go.
 */

import { spawn } from "node:child_process";
import type { Duplex } from "node:stream";
import { after } from "./after.ts";
import { describe } from "./failure.ts";
import { ignoring } from "./ignored-signals.ts";
import { JoinedStream } from "./joined-stream.ts";

export interface Program {
  readonly stream: Duplex;
  /** How it ended: `with code 1`, `by SIGTERM`; undefined while it runs. */
  readonly outcome: string | undefined;
  /** Resolves when it has ended: by itself, after the hangup, or killed. */
  end(): Promise<void>;
}

/** How long a program may take to go after its hangup. */
const hangupMs = 1000;
/** How long the end of its output waits for its exit code. */
const exitMs = 250;

/** `stderr` is ours. The shell makes way for the command (`exec`), so that the hangup reaches the command itself. */
export function startProgram(command: string, environment: NodeJS.ProcessEnv): Program {
  // An empty SHELL is none (sshconnect.c, ssh_proxy_connect).
  const shell = environment["SHELL"] || "/bin/sh";
  const [program = "", ...args] = ignoring([shell, "-c", `exec ${command}`]);
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"], env: environment });
  let outcome: string | undefined;
  const ended = new Promise<void>((resolve) => {
    const end = (how: string) => {
      outcome ??= how;
      resolve();
    };
    child.on("error", (error) => end(`before it began: ${shell}: ${describe(error)}`));
    child.on("exit", (code, signal) => end(signal === null ? `with code ${code}` : `by ${signal}`));
  });
  const send = (signal: NodeJS.Signals) => {
    // child.kill under Deno gives the child up, and its exit code with it.
    if (child.pid !== undefined && outcome === undefined) tell(child.pid, signal);
  };
  const stream = new JoinedStream(child.stdout, child.stdin, {
    release() {
      child.stdin.destroy();
      child.stdout.destroy();
      send("SIGHUP");
    },
    settled: () => Promise.race([ended, after(exitMs)]),
  });
  return {
    stream,
    get outcome() {
      return outcome;
    },
    async end() {
      stream.destroy();
      await Promise.race([ended, after(hangupMs)]);
      send("SIGKILL");
      await Promise.race([ended, after(hangupMs)]);
    },
  };
}

function tell(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended, and nobody was told yet.
  }
}
