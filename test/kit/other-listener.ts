/**
 * A listener in another process: for ports that another program has taken, for a server that does not answer, and for
 * what an ordinary user may not do.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { atExit } from "./lifetime.ts";
import { send } from "./processes.ts";
import { projectRoot, scriptCommand } from "./runtime.ts";

export interface OtherListener extends AsyncDisposable {
  readonly pid: number;
  /** The program's name as the system shows it. */
  readonly program: string;
  readonly port: number;
  /** From now on the program accepts nothing. Once the kernel's queue is full, new connections get no answer. */
  freeze(): void;
}

/** What porthop's listener reports in the other process. */
export interface Attempt {
  readonly addresses?: readonly { readonly host: string; readonly port: number }[];
  readonly code?: string;
  readonly message?: string;
  readonly hint?: string;
}

/** `port` may be 0. The program runs under Deno: Bun's backlog is always 512, so Bun's queue takes long to fill. */
export async function otherListener(host: string, port: number): Promise<OtherListener> {
  const child = start(scriptCommand("deno", program), host, port);
  const { addresses, message } = await answerOf(child);
  const address = addresses?.[0];
  const { pid } = child;
  if (address === undefined || pid === undefined) throw new Error(`the other listener failed: ${message}`);
  return {
    pid,
    program: nameOf(pid),
    port: address.port,
    // Under Deno, child.kill sends only one signal, and the frozen process could then not be ended.
    freeze: () => send([pid], "SIGSTOP"),
    async [Symbol.asyncDispose]() {
      const ended = once(child, "close");
      send([pid], "SIGKILL");
      await ended;
    },
  };
}

/** Tries to listen as the user nobody. Only root can do this, and only where `setpriv` is installed. */
export async function attemptAsNobody(host: string, port: number): Promise<Attempt> {
  const switchUser = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
  const child = start([...switchUser, ...scriptCommand("bun", program)], host, port);
  const ended = once(child, "close");
  const attempt = await answerOf(child);
  child.stdin?.end();
  await ended;
  return attempt;
}

const program = join(projectRoot, "test", "kit", "listening-program.ts");

function start(command: readonly string[], host: string, port: number): ChildProcess {
  const [executable = "", ...args] = command;
  const child = spawn(executable, [...args, host, String(port)], { stdio: ["pipe", "pipe", "inherit"] });
  const forget = atExit(() => {
    if (child.pid !== undefined) send([child.pid], "SIGKILL");
  });
  child.once("close", forget);
  return child;
}

async function answerOf(child: ChildProcess): Promise<Attempt> {
  if (child.stdout === null) throw new Error("the other process has no stdout");
  const failed = once(child, "error").then(([error]) => {
    throw error;
  });
  const lines = createInterface({ input: child.stdout });
  const line = await Promise.race([failed, once(lines, "line"), once(child, "close")]);
  if (typeof line[0] !== "string") throw new Error(`the other process ended without an answer: ${line.join(" ")}`);
  return JSON.parse(line[0]) as Attempt;
}

function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
  } catch {
    return "";
  }
}
