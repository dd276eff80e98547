/**
 * `porthop run` with its forwards up: starts porthop, waits until it is ready, and stops it in an orderly way, so that
 * a test begins with what it is about.
 */
import { resolve } from "node:path";
import { launch } from "../kit/launch.ts";
import { type Exit, Porthop, type PorthopOptions } from "../kit/porthop.ts";
import { freePort } from "../kit/servers.ts";
import { connectTo, type TcpEnd } from "../kit/tcp-end.ts";

/** A kit's sshd, real or in-process. */
export interface Server {
  readonly host: string;
  readonly sshArgs: readonly string[];
}

export interface Target {
  readonly host: string;
  readonly port: number;
}

export interface TunnelOptions extends PorthopOptions {
  /** Flags of porthop, before the destination. */
  readonly args?: readonly string[];
  /** A capture file. A name without a folder lies in porthop's home, `-` is stdout. */
  readonly capture?: string;
  /** A command that runs porthop, such as `unshare -m`. */
  readonly under?: readonly string[];
}

/** With these words the loss of the session is the end of porthop. */
export const lostForGood: readonly string[] = ["--reconnect", "never"];

/** Forwards a free local port to each target, and waits until porthop is ready. */
export async function openTunnel(
  server: Server,
  targets: readonly Target[],
  options: TunnelOptions = {},
): Promise<Tunnel> {
  const ports: number[] = [];
  for (const _target of targets) ports.push(await freePort());
  const forwards = targets.flatMap(({ host, port }, index) => ["-L", `${ports[index]}:[${host}]:${port}`]);
  const capture = options.capture === undefined ? [] : ["--capture", options.capture];
  // Events and a capture cannot both have stdout.
  const json = options.capture === "-" ? [] : ["--json"];
  const args = ["run", ...json, ...capture, ...forwards, ...(options.args ?? []), ...server.sshArgs, server.host];
  const launched = launch(args, options);
  const program = new Porthop({ ...launched, command: [...(options.under ?? []), ...launched.command] }, options);
  const tunnel = new Tunnel(program, ports, options.capture);
  try {
    if (json.length > 0) await program.event("ready");
    else await program.stderr(/^ready/m);
    return tunnel;
  } catch (error) {
    await tunnel[Symbol.asyncDispose]();
    throw error;
  }
}

export class Tunnel implements AsyncDisposable {
  readonly program: Porthop;
  /** Where the forwards listen on loopback, one for each target. */
  readonly ports: readonly number[];
  readonly #capture: string | undefined;

  constructor(program: Porthop, ports: readonly number[], capture: string | undefined) {
    this.program = program;
    this.ports = ports;
    this.#capture = capture;
  }

  /** The first forward's port. */
  get port(): number {
    const [port] = this.ports;
    if (port === undefined) throw new Error("this tunnel has no forward");
    return port;
  }

  /** The path of the capture file. */
  get capture(): string {
    if (this.#capture === undefined) throw new Error("this tunnel has no capture");
    return resolve(this.program.home, this.#capture);
  }

  /** A client of one of the forwards, the first by default. */
  connect(index = 0, host?: string, localPort?: number): Promise<TcpEnd> {
    return connectTo(this.ports[index] ?? 0, host, localPort);
  }

  /** Sends SIGTERM. Resolves when porthop has ended. */
  stop(): Promise<Exit> {
    this.program.signal("SIGTERM");
    return this.program.exit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program[Symbol.asyncDispose]();
  }
}
