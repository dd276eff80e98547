/**
 * A program whose stdin and stdout are a stream (ProxyCommand). It is run as ssh does it, by the user's shell, and it
 * ends with its stream: a hangup, and a kill for one that does not go.
 */

import { spawn } from "node:child_process";
import { closeSync } from "node:fs";
import type { Duplex } from "node:stream";
import { after } from "./after.ts";
import { ignoring } from "./ignored-signals.ts";
import { JoinedStream } from "./joined-stream.ts";
import { openProgramPipes, type ProgramPipes } from "./program-pipes.ts";
import { describe } from "./socket-failure.ts";

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
/** How long a program that takes no input any more may go on to print. */
const lastWordsMs = 1000;

/** `stderr` is ours. The shell makes way for the command (`exec`), so that the hangup reaches the command itself. */
export async function startProgram(
  command: string,
  environment: NodeJS.ProcessEnv,
  debug: (text: string) => void = () => {},
): Promise<Program> {
  // An empty SHELL is none (sshconnect.c, ssh_proxy_connect).
  const shell = environment["SHELL"] || "/bin/sh";
  const words = ignoring([shell, "-c", `exec ${command}`]);
  const { child, input, output } = spawnPiped(words, environment, await pipesOrNone(debug));
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
  const stream = new JoinedStream(output, input, {
    release() {
      input.destroy();
      output.destroy();
      send("SIGHUP");
    },
    settled: () => Promise.race([ended, after(exitMs)]),
    lastWords: () => after(lastWordsMs),
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

function pipesOrNone(debug: (text: string) => void): Promise<ProgramPipes | undefined> {
  return openProgramPipes().catch((error: unknown) => {
    debug(`the program gets sockets for stdin and stdout, not pipes: ${describe(error)}`);
    return undefined;
  });
}

function spawnPiped([program = "", ...args]: readonly string[], env: NodeJS.ProcessEnv, pipes?: ProgramPipes) {
  if (pipes === undefined) {
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"], env });
    return { child, input: child.stdin, output: child.stdout };
  }
  const { stdin, stdout, input, output } = pipes;
  try {
    return { child: spawn(program, args, { stdio: [stdin, stdout, "inherit"], env }), input, output };
  } finally {
    closeSync(stdin);
    closeSync(stdout);
  }
}

function tell(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended, and nobody was told yet.
  }
}
