/**
 * The programs that are measured: ssh, and porthop in several ways, each with forwards to one target through one sshd.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { freePort } from "../kit/servers.ts";
import type { Sshd } from "../kit/sshd.ts";
import { tempDirectory } from "../kit/temp.ts";
import { cpuOf, keep } from "./measure.ts";

export interface Contender {
  readonly name: string;
  /** The words of the whole command, without the flags of its forwards. */
  readonly command: readonly string[];
}

/** What is needed of an sshd, or of a line before one. */
export type Reached = Pick<Sshd, "port" | "user" | "keyFile" | "knownHostsFile"> & {
  readonly host: string;
  readonly sshArgs: readonly string[];
};

export type Services = Readonly<Record<"source" | "sink" | "echo", number>>;

/** How clients reach the services through a contender. */
export type Way = "tcp" | "unix" | "socks";

/** A running contender, with the place where a client finds each service (see peer.ts). */
export interface Tunnel {
  readonly name: string;
  readonly pid: number;
  readonly places: Readonly<Record<keyof Services, string>>;
  stop(): Promise<void>;
}

export function sshContender(name: string, sshd: Reached, extra: readonly string[] = []): Contender {
  const target = `${sshd.user}@${sshd.host}`;
  return { name, command: ["ssh", ...sshd.sshArgs, "-N", "-o", "ExitOnForwardFailure=yes", ...extra, target] };
}

export function porthopContender(
  name: string,
  program: readonly string[],
  sshd: Reached,
  extra: readonly string[] = [],
) {
  const target = `${sshd.user}@${sshd.host}`;
  const flags = ["-i", sshd.keyFile, "-o", `UserKnownHostsFile=${sshd.knownHostsFile}`, "-p", String(sshd.port)];
  return { name, command: [...program, "run", "--log", "error", ...flags, ...extra, target] };
}

/** The place of a relay before an sshd, and the words by which porthop knows the host key there. */
export function throughRelay(relay: { login(sshd: Sshd): Pick<Reached, "host" | "port" | "sshArgs"> }, sshd: Sshd) {
  const { user, keyFile, knownHostsFile } = sshd;
  const reached: Reached = { ...relay.login(sshd), user, keyFile, knownHostsFile };
  const words = reached.sshArgs.filter((word) => word.startsWith("HostKeyAlias=")).flatMap((word) => ["-o", word]);
  return { reached, words };
}

/** A script that joins sockets in the runtime of porthop, without ssh: nothing on this runtime can be faster. */
export function floorContender(): Contender {
  const script = new URL("./floor.ts", import.meta.url).pathname;
  return { name: "bare relay", command: [process.execPath, script, "no-destination"] };
}

/** The targets. The echo runs apart from the bulk ones, so that small requests do not wait for the target. */
export async function startServices() {
  const [bulk, small] = [await keep("serve"), await keep("serve")];
  const services = { ...(bulk.line as Services), echo: small.line["echo"] ?? 0 };
  return {
    services,
    async stop() {
      await bulk.stop();
      await small.stop();
    },
  };
}

export async function start(contender: Contender, services: Services, way: Way = "tcp"): Promise<Tunnel> {
  const { flags, places, listeners } = await waysTo(services, way);
  const [program = "", ...words] = contender.command;
  const destination = words.pop() ?? "";
  const child = spawn(program, [...words, ...flags, destination], { stdio: ["ignore", "ignore", "inherit"] });
  await Promise.all(listeners.map((listener) => listening(listener, child)));
  return {
    name: contender.name,
    pid: child.pid ?? 0,
    places,
    async stop() {
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
    },
  };
}

/** Starts a tunnel of each contender for the time of `work`. */
export async function withTunnels<T>(
  contenders: readonly Contender[],
  services: Services,
  work: (tunnels: readonly Tunnel[]) => Promise<T>,
): Promise<T> {
  const tunnels: Tunnel[] = [];
  for (const contender of contenders) tunnels.push(await start(contender, services));
  try {
    return await work(tunnels);
  } finally {
    for (const tunnel of tunnels) await tunnel.stop();
  }
}

/** What one tunnel took in all rounds. */
export interface Taken {
  readonly seconds: number[];
  /** MiB a second in each round, where bytes were counted; and all that has passed. */
  readonly rates: number[];
  mebibytes: number;
  /** The processor seconds of the tunnel itself, of all rounds together. */
  cpuSeconds: number;
}

/** Runs `once` on each tunnel in turn, round after round. The first round is thrown away. */
export async function alternating(
  tunnels: readonly Tunnel[],
  rounds: number,
  once: (tunnel: Tunnel) => Promise<{ readonly seconds: number; readonly bytes?: number }>,
): Promise<readonly Taken[]> {
  const taken = tunnels.map((): Taken => ({ seconds: [], rates: [], mebibytes: 0, cpuSeconds: 0 }));
  for (let round = 0; round <= rounds; round++) {
    for (const [index, tunnel] of tunnels.entries()) {
      const before = cpuOf(tunnel.pid);
      const { seconds, bytes = 0 } = await once(tunnel);
      const mine = taken[index];
      if (round === 0 || mine === undefined) continue;
      mine.seconds.push(seconds);
      mine.rates.push(bytes / 1024 / 1024 / seconds);
      mine.mebibytes += bytes / 1024 / 1024;
      mine.cpuSeconds += cpuOf(tunnel.pid) - before;
    }
  }
  return taken;
}

async function waysTo(services: Services, way: Way) {
  const names = ["source", "sink", "echo"] as const;
  const flags: string[] = [];
  const places = { source: "", sink: "", echo: "" };
  const listeners: (number | string)[] = [];
  if (way === "socks") {
    const proxy = await freePort();
    flags.push("-D", `127.0.0.1:${proxy}`);
    listeners.push(proxy);
    for (const name of names) places[name] = `socks:${proxy}:${services[name]}`;
    return { flags, places, listeners };
  }
  const folder = way === "unix" ? tempDirectory("bench") : "";
  for (const name of names) {
    const listener = way === "unix" ? join(folder, name) : await freePort();
    flags.push("-L", `${way === "unix" ? listener : `127.0.0.1:${listener}`}:127.0.0.1:${services[name]}`);
    listeners.push(listener);
    places[name] = String(listener);
  }
  return { flags, places, listeners };
}

/** Resolves when something accepts on the port or path. */
async function listening(place: number | string, child: ChildProcess): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the contender ended with ${child.exitCode}`);
    const isUp = await new Promise<boolean>((resolve) => {
      const socket = typeof place === "string" ? connect(place) : connect(place, "127.0.0.1");
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
