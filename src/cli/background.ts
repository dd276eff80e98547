/**
 * `-f`: porthop starts its own program once more, in a new process session. The new process asks all
 * questions, at the terminal that the first process hands on, because /dev/tty cannot be opened in another session. The
 * first process ends when the forwards are up. ssh forks instead, but a process with an SSH session in it cannot here.
 */
import { spawn } from "node:child_process";
import { closeSync, fstatSync, writeSync } from "node:fs";
import type { Readable } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import { PorthopError } from "../errors.ts";
import { ignoring } from "../io/ignored-signals.ts";
import { freshSettings } from "./fresh-start.ts";
import { onSignals } from "./interruption.ts";
import { ownCommand } from "./own-command.ts";
import { openTerminal } from "./question-terminal.ts";
import { serviceBehind } from "./service-environment.ts";

/**
 * The environment variable of the background process: the file descriptor on which that
 * process reports that it is ready.
 */
const variable = "PORTHOP_READY_FD";
const readyFd = 3;

/** The same for the descriptor of the terminal. Not set where the first process has no terminal. */
const terminalVariable = "PORTHOP_TERMINAL_FD";
const terminalFd = 4;

/** Reports to the first process that the forwards are up. Does nothing in a process that is not in the background. */
export function tellReady(environment: NodeJS.ProcessEnv): void {
  if (environment[variable] !== String(readyFd)) return;
  delete environment[variable];
  writeSync(readyFd, "ready\n");
  closeSync(readyFd);
}

/** The descriptor of the terminal that the first process has handed on; undefined without one, and in front. */
export function terminalFromFront(environment: NodeJS.ProcessEnv): number | undefined {
  return isBehind(environment) && environment[terminalVariable] === String(terminalFd) ? terminalFd : undefined;
}

/**
 * The environment for programs that porthop starts, without the variables above: such a program may be a porthop too
 * (ProxyCommand), and would take itself for the background process.
 */
export function environmentForPrograms(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { [variable]: _ready, [terminalVariable]: _terminal, ...others } = environment;
  return others;
}

export function isBehind(environment: NodeJS.ProcessEnv): boolean {
  return environment[variable] === String(readyFd);
}

/**
 * Runs the command of this process in the background. Resolves with the pid once the forwards are up, or with the exit
 * code if the process ends first. The process keeps stdout only when it writes results there, and then a pipe on stderr
 * too: who collects output, as `$(...)` does, waits until every process has closed the pipe.
 */
export function goBehind(
  words: readonly string[],
  hasResults: boolean,
): Promise<{ readonly pid: number } | { readonly code: number }> {
  const [program = "", ...args] = ignoring([...ownCommand(), ...words]);
  const terminal = openTerminal();
  const stderr = !hasResults && isCollected(2) ? "pipe" : "inherit";
  const child = spawn(program, args, {
    detached: true,
    stdio: ["inherit", hasResults ? "inherit" : "ignore", stderr, "pipe", terminal ?? "ignore"],
    // With `freshSettings` set, the process does not start itself afresh: that would close the pipe.
    env: {
      ...freshSettings,
      ...serviceBehind(environmentForPrograms(process.env), process.pid),
      [variable]: String(readyFd),
      ...(terminal === undefined ? {} : { [terminalVariable]: String(terminalFd) }),
    },
  });
  if (terminal !== undefined) closeSync(terminal);
  // A signal for the first process is meant for the background process, and is passed on. (Under Deno child.kill gives
  // up the child together with its exit code.)
  onSignals((signal) => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(child.pid, signal);
  });
  const allPassedOn = passOn(child.stderr);
  return new Promise((resolve, reject) => {
    const ready = child.stdio[readyFd];
    if (ready === null || ready === undefined || !("on" in ready)) throw new Error("the child has no ready pipe");
    ready.on("data", async () => {
      await allPassedOn();
      child.unref();
      resolve({ pid: child.pid ?? 0 });
    });
    child.on("error", (error) =>
      reject(new PorthopError("internal", `cannot start in the background: ${error.message}`, { cause: error })),
    );
    child.on("exit", async (code) => {
      await allPassedOn();
      resolve({ code: code ?? 1 });
    });
  });
}

function isCollected(descriptor: number): boolean {
  try {
    const stats = fstatSync(descriptor);
    return stats.isFIFO() || stats.isSocket();
  } catch {
    // It is closed.
    return false;
  }
}

/**
 * Writes what the background process says to stderr. The result waits for what was said until now, and lets go of the
 * pipe: what is said later is lost, as with ssh.
 */
function passOn(said: Readable | null): () => Promise<void> {
  let bytes = 0;
  said?.on("data", (chunk: Uint8Array) => {
    bytes += chunk.length;
    process.stderr.write(chunk);
  });
  return async () => {
    // The event loop looks at all pipes in each turn. After a turn without bytes, none are left.
    for (let before = -1; before !== bytes; ) {
      before = bytes;
      await nextTurn();
      await nextTurn();
    }
    said?.destroy();
  };
}
