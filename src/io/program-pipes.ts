/**
 * Pipes for a program's stdin and stdout, as ssh gives them to a ProxyCommand (sshconnect.c, ssh_proxy_connect). A
 * child_process of Bun or Node is given sockets, which nobody can open as /dev/stdin or /dev/stdout. There is no pipe(2)
 * in a runtime: these are FIFOs in a private folder, which is gone again before the program starts.
 */
import { spawnSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { FifoReader, FifoWriter } from "./fifo-ends.ts";

export interface ProgramPipes {
  /** Descriptors for the program. Whoever started it closes them: it alone holds them then, and its end is seen here. */
  readonly stdin: number;
  readonly stdout: number;
  /** Our ends: what is written is its input, and what it prints is read. */
  readonly input: Writable;
  readonly output: Readable;
}

/** Undefined where the runtime has pipes of its own, or can do nothing with a FIFO. Throws where none can be made. */
export async function openProgramPipes(): Promise<ProgramPipes | undefined> {
  // Deno's own are pipes, and Node is not used enough to be worth the trouble.
  if (!("bun" in process.versions)) return undefined;
  const opened: number[] = [];
  const open = (path: string, flags: number) => {
    const descriptor = openSync(path, flags);
    opened.push(descriptor);
    return descriptor;
  };
  // Its rights are ours alone (mkdtemp(3): 0700).
  const folder = mkdtempSync(join(tmpdir(), "porthop-pipes-"));
  try {
    const [up, down] = makeFifos(folder);
    // One end of a FIFO waits in open(2) for the other. Both at once, which are never used, let each of them through.
    const holders = [up, down].map((path) => open(path, constants.O_RDWR | constants.O_NONBLOCK));
    const [stdin, stdout] = [open(up, constants.O_RDONLY), open(down, constants.O_WRONLY)];
    const writing = open(up, constants.O_WRONLY | constants.O_NONBLOCK);
    const output = await FifoReader.open(down);
    for (const holder of holders) closeSync(holder);
    return { stdin, stdout, input: new FifoWriter(writing), output };
  } catch (error) {
    for (const descriptor of opened) closeSync(descriptor);
    throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function makeFifos(folder: string): readonly [up: string, down: string] {
  const paths = [join(folder, "up"), join(folder, "down")] as const;
  const { status, error } = spawnSync("mkfifo", ["-m", "600", ...paths], { stdio: "ignore" });
  if (status !== 0) throw error ?? new Error("mkfifo failed");
  return paths;
}
