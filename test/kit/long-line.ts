/**
 * A line of a long round trip before a server, usually an sshd: each byte arrives the delay later, each way, and some
 * 100 MB/s pass. It runs as a program of its own, so that it takes no turns of what is measured.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { atExit } from "./lifetime.ts";
import { send } from "./processes.ts";
import { type Login, relayedLogin } from "./relayed-login.ts";
import { projectRoot, scriptCommand } from "./runtime.ts";

export interface LongLine extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly pid: number;
  /** Where a client of this sshd logs in through the line. */
  login(sshd: Login): Login;
}

const program = join(projectRoot, "test", "kit", "long-line-program.ts");

/** `delayMs` counts each way: half of a round trip. */
export async function longLine(
  server: { readonly host: string; readonly port: number },
  delayMs: number,
): Promise<LongLine> {
  const { host } = server;
  const [file = "", ...words] = scriptCommand("bun", program);
  const child = spawn(file, [...words, host, String(server.port), String(delayMs)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const pid = child.pid ?? 0;
  const forget = atExit(() => send([pid], "SIGKILL"));
  const closed = once(child, "close").then(forget);
  const port = await portOf(child);
  return {
    host,
    port,
    pid,
    login: (sshd) => relayedLogin({ host, port }, sshd),
    async [Symbol.asyncDispose]() {
      child.stdin?.end();
      await closed;
    },
  };
}

async function portOf(child: ChildProcess): Promise<number> {
  if (child.stdout === null) throw new Error("the long line has no stdout");
  for await (const line of createInterface({ input: child.stdout })) return (JSON.parse(line) as { port: number }).port;
  throw new Error("the long line ended at once");
}
