/** A real ssh-agent with a socket of its own, and the keys that a test puts in. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { atExit } from "./lifetime.ts";
import { killTree } from "./processes.ts";
import { run } from "./run.ts";
import { removeTemp, tempDirectory } from "./temp.ts";
import { Transcript } from "./transcript.ts";

export interface SshAgent extends AsyncDisposable {
  readonly socket: string;
  /** Adds private key files, which must not be locked. */
  add(...files: readonly string[]): Promise<void>;
}

/** Starts one and waits until it listens. Needs the tools ssh-agent and ssh-add. */
export async function startSshAgent(): Promise<SshAgent> {
  const directory = tempDirectory("ssh-agent");
  const socket = join(directory, "agent");
  const child = spawn("ssh-agent", ["-D", "-a", socket], { stdio: ["ignore", "pipe", "ignore"] });
  const transcript = new Transcript("ssh-agent");
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
  // It says where it listens once it does.
  await transcript.until(/SSH_AUTH_SOCK=/);
  return {
    socket,
    async add(...files) {
      for (const file of files) {
        const { code, stderr } = await run("ssh-add", ["-q", file], { env: { ...process.env, SSH_AUTH_SOCK: socket } });
        if (code !== 0) throw new Error(`ssh-add ${file}: ${stderr}`);
      }
    },
    async [Symbol.asyncDispose]() {
      kill();
      await closed;
      forget();
      removeTemp(directory);
    },
  };
}
