/** A real X server without a screen (Xvfb), on a free display, that accepts only clients with its cookie. */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { atExit } from "./lifetime.ts";
import { killTree } from "./processes.ts";
import { run } from "./run.ts";
import { removeTemp, tempDirectory } from "./temp.ts";
import { Transcript } from "./transcript.ts";

export interface XServer extends AsyncDisposable {
  /** The display's name: `:7`. */
  readonly display: string;
  /** The cookie in hex digits. */
  readonly cookie: string;
  /** Variables for the server's clients: DISPLAY and XAUTHORITY. */
  readonly env: Readonly<Record<string, string>>;
}

/** Starts an X server and waits until it serves. Needs the tools Xvfb and xauth. */
export async function startXServer(): Promise<XServer> {
  const directory = tempDirectory("x-server");
  const authority = join(directory, "authority");
  const cookie = randomBytes(16).toString("hex");
  const add = async (display: string) => {
    const { code, stderr } = await run("xauth", ["-q", "-f", authority, "add", display, "MIT-MAGIC-COOKIE-1", cookie]);
    if (code !== 0) throw new Error(`xauth: ${stderr}`);
  };
  // Xvfb reads all cookies of the file, whatever display they are for, and writes the number of its display to
  // descriptor 3.
  await add(":0");
  // Without -noreset, Xvfb forgets all that was made since its start when its last client leaves.
  const args = ["-noreset", "-displayfd", "3", "-auth", authority, "-screen", "0", "320x200x24", "-nolisten", "tcp"];
  const child = spawn("Xvfb", args, { stdio: ["ignore", "ignore", "ignore", "pipe"] });
  const transcript = new Transcript("Xvfb");
  const kill = () => {
    if (child.pid !== undefined) killTree(child.pid);
  };
  const forget = atExit(kill);
  const closed = new Promise<void>((resolve) => {
    child.on("error", (error) => transcript.end(error.message));
    child.on("exit", () => {
      transcript.end("it ended");
      resolve();
    });
  });
  child.stdio[3]?.on("data", (chunk: Uint8Array) => transcript.add(String(chunk)));
  const [, number] = await transcript.until(/^(\d+)\n/);
  const display = `:${number}`;
  await add(display);
  return {
    display,
    cookie,
    env: { DISPLAY: display, XAUTHORITY: authority },
    async [Symbol.asyncDispose]() {
      kill();
      await closed;
      forget();
      removeTemp(directory);
    },
  };
}
