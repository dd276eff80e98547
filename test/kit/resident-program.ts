/**
 * A program that a test needs besides porthop: started, waited for until it says that it is ready, and ended with the
 * test.
 */
import { spawn } from "node:child_process";
import { atExit } from "./lifetime.ts";
import { killTree } from "./processes.ts";
import { Transcript } from "./transcript.ts";

export interface ResidentProgram extends AsyncDisposable {
  /** What the program writes to stdout. */
  readonly transcript: Transcript;
}

export async function startResident(
  program: string,
  words: readonly string[],
  ready: RegExp,
): Promise<ResidentProgram> {
  const child = spawn(program, words, { stdio: ["ignore", "pipe", "ignore"] });
  const transcript = new Transcript(program);
  const kill = () => {
    if (child.pid !== undefined) killTree(child.pid);
  };
  const forget = atExit(kill);
  const closed = new Promise<void>((resolve) => {
    child.on("error", (error) => transcript.end(error.message));
    child.on("close", () => {
      transcript.end("it ended");
      resolve();
    });
  });
  child.stdout.on("data", (chunk: Uint8Array) => transcript.add(String(chunk)));
  await transcript.until(ready);
  return {
    transcript,
    async [Symbol.asyncDispose]() {
      kill();
      await closed;
      forget();
    },
  };
}
