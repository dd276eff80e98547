/** What is measured: the same forwards to the same target through the same sshd, by ssh and by porthop in several ways. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { freePort } from "../kit/servers.ts";
import type { Sshd } from "../kit/sshd.ts";

export interface Contender {
  readonly name: string;
  /** The words of the whole command; `-L` flags are added. */
  readonly command: readonly string[];
}

export type Services = Readonly<Record<"source" | "sink" | "echo", number>>;

/** A running contender, with a local port for each service. */
export interface Tunnel {
  readonly name: string;
  readonly pid: number;
  readonly ports: Services;
  stop(): Promise<void>;
}

export function sshContender(name: string, sshd: Sshd, extra: readonly string[] = []): Contender {
  const target = `${sshd.user}@${sshd.host}`;
  return { name, command: ["ssh", ...sshd.sshArgs, "-N", "-o", "ExitOnForwardFailure=yes", ...extra, target] };
}

export function porthopContender(name: string, program: readonly string[], sshd: Sshd, extra: readonly string[] = []) {
  const target = `${sshd.user}@${sshd.host}`;
  const flags = ["-i", sshd.keyFile, "-o", `UserKnownHostsFile=${sshd.knownHostsFile}`, "-p", String(sshd.port)];
  return { name, command: [...program, "run", "--log", "error", ...flags, ...extra, target] };
}

export async function start(contender: Contender, services: Services): Promise<Tunnel> {
  const ports = { source: await freePort(), sink: await freePort(), echo: await freePort() };
  const forwards = (["source", "sink", "echo"] as const).flatMap((service) => [
    "-L",
    `127.0.0.1:${ports[service]}:127.0.0.1:${services[service]}`,
  ]);
  const [program = "", ...words] = contender.command;
  const destination = words.pop() ?? "";
  const child = spawn(program, [...words, ...forwards, destination], { stdio: ["ignore", "ignore", "inherit"] });
  await Promise.all(Object.values(ports).map((port) => listening(port, child)));
  return {
    name: contender.name,
    pid: child.pid ?? 0,
    ports,
    async stop() {
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
    },
  };
}

/** Resolves when something accepts on the port. */
async function listening(port: number, child: ChildProcess): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the contender ended with ${child.exitCode}`);
    const isUp = await new Promise<boolean>((resolve) => {
      const socket = connect({ port, host: "127.0.0.1" });
      socket.on("connect", () => {
        socket.destroy();
        resolve(true);
      });
      socket.on("error", () => resolve(false));
    });
    if (isUp) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
