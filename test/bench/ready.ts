/**
 * From start to ready: how long a user waits until the port takes connections, for `ssh -N -L` and for porthop on one
 * sshd, both with a key of an agent. The two alternate, so that what slows one slows the other.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { freePort } from "../kit/servers.ts";
import { startSshAgent } from "../kit/ssh-agent.ts";
import type { Sshd } from "../kit/sshd.ts";
import { median } from "./measure.ts";

/** The pause before a port that is not open yet is tried again. */
const waitMs = 1;

export async function untilReady(program: string, sshd: Sshd, runs: number): Promise<void> {
  await using agent = await startSshAgent();
  await agent.add(sshd.keyFile);
  const environment = { ...process.env, SSH_AUTH_SOCK: agent.socket };
  const knownHosts = `UserKnownHostsFile=${sshd.knownHostsFile}`;
  const target = ["-p", String(sshd.port), `${sshd.user}@${sshd.host}`];
  const commands = {
    ssh: ["ssh", "-F", "none", "-N", "-o", knownHosts],
    porthop: [program, "run", "-F", "none", "--log", "error", "-o", knownHosts],
  };
  const taken = { ssh: [] as number[], porthop: [] as number[] };
  for (let run = 0; run <= runs; run++) {
    for (const name of ["ssh", "porthop"] as const) {
      const port = await freePort();
      const [file = "", ...words] = [...commands[name], "-L", `127.0.0.1:${port}:127.0.0.1:${sshd.port}`, ...target];
      const ms = await readyAfter(file, words, environment, port);
      // The first run reads everything from the disk, and is thrown away.
      if (run > 0) taken[name].push(ms);
    }
  }
  const [theirs, ours] = [median(taken.ssh), median(taken.porthop)];
  console.log(`from start to ready with a key of an agent, ms, ${runs} runs`);
  console.log(`  ssh -N -L                          ${theirs.toFixed(1).padStart(8)}`);
  console.log(`  porthop run -L                     ${ours.toFixed(1).padStart(8)}`);
  console.log(`  porthop / ssh                      ${`${(ours / theirs).toFixed(2)}x`.padStart(8)}  (at most 0.5)\n`);
}

async function readyAfter(
  file: string,
  words: readonly string[],
  env: NodeJS.ProcessEnv,
  port: number,
): Promise<number> {
  const start = performance.now();
  const child = spawn(file, words, { env, stdio: ["ignore", "ignore", "inherit"] });
  const ended = once(child, "exit");
  while (!(await accepts(port))) {
    if (child.exitCode !== null) throw new Error(`${file} ended with ${child.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
  const ms = performance.now() - start;
  child.kill("SIGTERM");
  await ended;
  return ms;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
