/**
 * `porthop run -R` with its listeners up on a server, which is this machine too: a client of these listeners
 * plays a program on the server.
 */
import { launch } from "../kit/launch.ts";
import { type Exit, Porthop, type PorthopOptions } from "../kit/porthop.ts";
import { freePort } from "../kit/servers.ts";
import { connectTo, type TcpEnd } from "../kit/tcp-end.ts";
import type { Server, Target } from "./tunnel.ts";

export interface RemoteOptions extends PorthopOptions {
  /** Flags of porthop, before the destination. */
  readonly args?: readonly string[];
}

/**
 * Starts `porthop run -R` with one forward for each target, on free ports. A port that sshd chooses is free on the first of
 * its addresses only; on the other one, a connection of somebody else may have that number.
 */
export async function openRemote(
  server: Server,
  targets: readonly Target[],
  options?: RemoteOptions,
): Promise<RemoteTunnel> {
  const specs: string[] = [];
  for (const { host, port } of targets) specs.push(`${await freePort()}:[${host}]:${port}`);
  return openRemoteSpecs(server, specs, options);
}

/** Starts `porthop run -R` with any texts after -R. */
export async function openRemoteSpecs(
  server: Server,
  specs: readonly string[],
  options: RemoteOptions = {},
): Promise<RemoteTunnel> {
  const forwards = specs.flatMap((spec) => ["-R", spec]);
  const args = ["run", "--json", ...forwards, ...(options.args ?? []), ...server.sshArgs, server.host];
  const program = new Porthop(launch(args, options), options);
  try {
    await program.event("ready");
    return new RemoteTunnel(program);
  } catch (error) {
    await program[Symbol.asyncDispose]();
    throw error;
  }
}

export class RemoteTunnel implements AsyncDisposable {
  readonly program: Porthop;

  constructor(program: Porthop) {
    this.program = program;
  }

  /** Where a forward is known to listen, as the events say: `127.0.0.1:8080`. The first forward by default. */
  addresses(index = 0): readonly string[] {
    return (this.#listening(index)?.["addresses"] ?? []) as string[];
  }

  port(index = 0): number {
    return Number(/:(\d+)$/.exec(String(this.#listening(index)?.["listen"]))?.[1]);
  }

  /** A client on the server's side. */
  connect(index = 0, host?: string): Promise<TcpEnd> {
    return connectTo(this.port(index), host);
  }

  /** Sends SIGTERM. Resolves when porthop has ended. */
  stop(): Promise<Exit> {
    this.program.signal("SIGTERM");
    return this.program.exit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program[Symbol.asyncDispose]();
  }

  #listening(index: number) {
    return this.program.events.filter(({ event }) => event === "listening")[index];
  }
}
