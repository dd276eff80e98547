/** A real ssh-agent with its own socket, and the keys that a test adds. */
import { join } from "node:path";
import { startResident } from "./resident-program.ts";
import { run } from "./run.ts";
import { removeTemp, tempDirectory } from "./temp.ts";

export interface SshAgent extends AsyncDisposable {
  readonly socket: string;
  /** Adds private key files. The files must have no passphrase. */
  add(...files: readonly string[]): Promise<void>;
}

/** Starts an agent and waits until it listens. Needs the tools ssh-agent and ssh-add. */
export async function startSshAgent(): Promise<SshAgent> {
  const directory = tempDirectory("ssh-agent");
  const socket = join(directory, "agent");
  // The agent prints the path of its socket once it listens.
  const agent = await startResident("ssh-agent", ["-D", "-a", socket], /SSH_AUTH_SOCK=/);
  return {
    socket,
    async add(...files) {
      for (const file of files) {
        const { code, stderr } = await run("ssh-add", ["-q", file], { env: { ...process.env, SSH_AUTH_SOCK: socket } });
        if (code !== 0) throw new Error(`ssh-add ${file}: ${stderr}`);
      }
    },
    async [Symbol.asyncDispose]() {
      await agent[Symbol.asyncDispose]();
      removeTemp(directory);
    },
  };
}
