/**
 * Pipes for a program's stdin and stdout, as ssh gives them to a ProxyCommand (sshconnect.c, ssh_proxy_connect). Bun
 * and Node give a child process sockets, and a program cannot open a socket as /dev/stdin or /dev/stdout. No runtime
 * has pipe(2), so the pipes are FIFOs in a private folder, which is removed before the program starts.
 */
import { spawnSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { FifoReader, FifoWriter } from "./fifo-ends.ts";

export interface ProgramPipes {
  /**
   * Descriptors for the program. The caller closes them after the start: only then does the program's end show here.
   */
  readonly stdin: number;
  readonly stdout: number;
  /** Our ends: `input` writes to the program's stdin, `output` reads its stdout. */
  readonly input: Writable;
  readonly output: Readable;
}

/** Undefined under Deno, which has pipes of its own, and under Node. Throws when the FIFOs cannot be made. */
export async function openProgramPipes(): Promise<ProgramPipes | undefined> {
  // Deno gives a child process real pipes. Node gives sockets, but is not used enough to be worth the trouble.
  if (!("bun" in process.versions)) return undefined;
  const opened: number[] = [];
  const open = (path: string, flags: number) => {
    const descriptor = openSync(path, flags);
    opened.push(descriptor);
    return descriptor;
  };
  // Only this user may enter the folder (mkdtemp(3): 0700).
  const folder = mkdtempSync(join(tmpdir(), "porthop-pipes-"));
  try {
    const [up, down] = makeFifos(folder);
    // open(2) of one end of a FIFO waits for the other end. A descriptor for both ends, never used, prevents the wait.
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
