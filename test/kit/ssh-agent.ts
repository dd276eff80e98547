/** A real ssh-agent with its own socket, and the keys that a test adds. */
import { join } from "node:path";
import type { OpenSsh } from "./openssh.ts";
import { startResident } from "./resident-program.ts";
import { run } from "./run.ts";
import { removeTemp, tempDirectory } from "./temp.ts";

export interface SshAgent extends AsyncDisposable {
  readonly socket: string;
  /** Adds private key files. The files must have no passphrase. */
  add(...files: readonly string[]): Promise<void>;
  /** Adds a key for these ways only, as `ssh-add -h WAY`. The host keys are looked up in `knownHosts`. */
  addFor(file: string, ways: readonly string[], knownHosts: string): Promise<void>;
}

/** Starts an agent (undefined for the installed OpenSSH) and waits until it listens. Needs the tools ssh-agent and ssh-add. */
export async function startSshAgent(openssh?: OpenSsh): Promise<SshAgent> {
  const directory = tempDirectory("ssh-agent");
  const socket = join(directory, "agent");
  // The agent prints the path of its socket once it listens.
  const agent = await startResident(openssh?.sshAgent ?? "ssh-agent", ["-D", "-a", socket], /SSH_AUTH_SOCK=/);
  const add = async (...words: readonly string[]) => {
    const env = { ...process.env, SSH_AUTH_SOCK: socket };
    const { code, stderr } = await run(openssh?.sshAdd ?? "ssh-add", ["-q", ...words], { env });
    if (code !== 0) throw new Error(`ssh-add ${words.join(" ")}: ${stderr}`);
  };
  return {
    socket,
    async add(...files) {
      for (const file of files) await add(file);
    },
    addFor: (file, ways, knownHosts) => add("-H", knownHosts, ...ways.flatMap((way) => ["-h", way]), file),
    async [Symbol.asyncDispose]() {
      await agent[Symbol.asyncDispose]();
      removeTemp(directory);
    },
  };
}
