/**
 * `porthop run -D`, and clients that speak the protocols of a proxy byte for byte, because curl and
 * nc let a test choose too little.
 */

import { launch } from "../kit/launch.ts";
import { Porthop, type PorthopOptions } from "../kit/porthop.ts";
import { bytes, greeting5, request5 } from "../kit/proxy-bytes.ts";
import { freePort } from "../kit/servers.ts";
import { connectTo, type TcpEnd } from "../kit/tcp-end.ts";
import type { Server } from "./tunnel.ts";

export interface ProxyOptions extends PorthopOptions {
  /** `-D` by default. */
  readonly flag?: "-D" | "-R";
  readonly bind?: string;
  readonly args?: readonly string[];
}

export interface RunningProxy extends Porthop {
  readonly port: number;
}

/** Waits until porthop is ready. A reverse proxy (-R) listens on the server, which is this machine too. */
export async function openProxy(server: Server, options: ProxyOptions = {}): Promise<RunningProxy> {
  const { flag = "-D", bind = "", args = [] } = options;
  const port = await freePort();
  const words = ["run", "--json", flag, `${bind}${port}`, ...args, ...server.sshArgs, server.host];
  const program = Object.assign(new Porthop(launch(words, options), options), { port });
  await program.event("ready");
  return program;
}

/** A client that has asked for this target and whose request was granted. */
export async function through(proxy: RunningProxy, host: string, port: number): Promise<TcpEnd> {
  const { client, reply } = await socks5(proxy, host, port);
  if (reply !== 0) throw new Error(`the proxy answered ${reply}`);
  return client;
}

/** A client that has asked for this target, and the code in the answer of the proxy. */
export async function socks5(
  proxy: RunningProxy,
  host: string,
  port: number,
  command = 1,
): Promise<{ client: TcpEnd; reply: number }> {
  const client = await connectTo(proxy.port);
  await client.send([bytes([], "", greeting5, request5(host, port, { command }))]);
  await client.got(answerBytes);
  return { client, reply: client.text.charCodeAt(3) };
}

/** How many bytes the proxy sends before those of the target. */
export const answerBytes = 2 + 10;
