/**
 * A program whose stdin and stdout are a stream (ProxyCommand). As in ssh, the user's shell runs the program. The
 * program ends with its stream: it gets a SIGHUP, and a SIGKILL if it does not end.
 */

import { spawn } from "node:child_process";
import { closeSync } from "node:fs";
import type { Duplex } from "node:stream";
import { after } from "./after.ts";
import { descriptors } from "./descriptors.ts";
import { ignoring } from "./ignored-signals.ts";
import { JoinedStream } from "./joined-stream.ts";
import { openProgramPipes, type ProgramPipes } from "./program-pipes.ts";
import { describe } from "./socket-failure.ts";

export interface Program {
  readonly stream: Duplex;
  /** How the program ended: `with code 1`, `by SIGTERM`; undefined while it runs. */
  readonly outcome: string | undefined;
  /** Ends the program, and resolves when it has ended: by itself, by SIGHUP or by SIGKILL. */
  end(): Promise<void>;
}

/** How long a program may take to end after a signal. */
const hangupMs = 1000;
/** How long the end of a program's output waits for the program's exit code. */
const exitMs = 250;
/** How long a program that reads no input any more may go on printing. */
const lastWordsMs = 1000;

/** The program writes to our stderr. `exec` gives the command the shell's place, so that SIGHUP reaches the command. */
export async function startProgram(
  command: string,
  environment: NodeJS.ProcessEnv,
  debug: (text: string) => void = () => {},
): Promise<Program> {
  // An empty SHELL counts as not set (sshconnect.c, ssh_proxy_connect).
  const shell = environment["SHELL"] || "/bin/sh";
  const words = ignoring([shell, "-c", `exec ${command}`]);
  const pipes = await pipesOrNone(debug);
  const { child, input, output } = descriptors.lend(() => spawnPiped(words, environment, pipes));
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
    // Not child.kill: Deno then gives up the child, and the exit code is lost.
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
    // The program has ended, and its `exit` event has not come yet.
  }
}
