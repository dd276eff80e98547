/**
 * `-f`: the program starts itself anew in a session of its own, asks there what there is to ask, and the one in front
 * ends when the forwards are up. A process with an SSH session cannot fork, so it is not done the way ssh does it.
 */
import { spawn } from "node:child_process";
import { closeSync, writeSync } from "node:fs";
import { PorthopError } from "../errors.ts";
import { ignoring } from "../io/ignored-signals.ts";
import { freshSettings } from "./fresh-start.ts";
import { onSignals } from "./interruption.ts";
import { ownCommand } from "./own-command.ts";

/** Set for the process behind: the file descriptor on which it says that it is ready. */
const variable = "PORTHOP_READY_FD";
const readyFd = 3;

/** Says that the forwards are up, if somebody in front waits for it. */
export function tellReady(environment: NodeJS.ProcessEnv): void {
  if (environment[variable] !== String(readyFd)) return;
  delete environment[variable];
  writeSync(readyFd, "ready\n");
  closeSync(readyFd);
}

/** For programs that porthop starts: none of them is the process behind, and may be a porthop itself (ProxyCommand). */
export function environmentForPrograms(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { [variable]: _ours, ...others } = environment;
  return others;
}

export function isBehind(environment: NodeJS.ProcessEnv): boolean {
  return environment[variable] === String(readyFd);
}

/**
 * Runs the same command in the background. Resolves with its pid once it is ready, or with the exit code if it ended first.
 * It keeps stdout only where it has results for it: a shell that collects them, `$(...)`, waits until stdout is closed.
 */
export function goBehind(
  words: readonly string[],
  hasResults: boolean,
): Promise<{ readonly pid: number } | { readonly code: number }> {
  const [program = "", ...args] = ignoring([...ownCommand(), ...words]);
  const child = spawn(program, args, {
    detached: true,
    stdio: ["inherit", hasResults ? "inherit" : "ignore", "inherit", "pipe"],
    // It need not start afresh a second time, which would also close the pipe.
    env: { ...freshSettings, ...process.env, [variable]: String(readyFd) },
  });
  // What is asked of the process in front is meant for this one. (child.kill under Deno gives the child up, and its exit code with it.)
  onSignals((signal) => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(child.pid, signal);
  });
  return new Promise((resolve, reject) => {
    const ready = child.stdio[readyFd];
    if (ready === null || ready === undefined || !("on" in ready)) throw new Error("the child has no ready pipe");
    ready.on("data", () => {
      child.unref();
      resolve({ pid: child.pid ?? 0 });
    });
    child.on("error", (error) =>
      reject(new PorthopError("internal", `cannot start in the background: ${error.message}`, { cause: error })),
    );
    child.on("exit", (code) => resolve({ code: code ?? 1 }));
  });
}
