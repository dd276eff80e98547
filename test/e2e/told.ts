/**
 * Failures of real and made-up servers, provoked through `porthop run`: each returns all that porthop told of it, on
 * stderr and in its events.
 */
import type { Socket } from "node:net";
import { type HostileSsh, hostileSsh, type Manners, text } from "../kit/hostile-ssh.ts";
import type { Porthop } from "../kit/porthop.ts";
import { rawServer } from "../kit/raw-server.ts";
import { freePort } from "../kit/servers.ts";
import { clearPacket } from "../kit/ssh-stream.ts";
import { connectTo } from "../kit/tcp-end.ts";
import { runToEnd } from "./failure.ts";
import { lostForGood, openTunnel, type Server, type Target } from "./tunnel.ts";

/** One failure, or several of a kind. */
export type Provocation = () => Promise<string>;

/** Runs porthop with a forward that nobody uses, until it fails. */
export async function failing(...args: string[]): Promise<string> {
  const exit = await runToEnd(["run", ...lostForGood, "-L", `${await freePort()}:localhost:1`, ...args]);
  return exit.stderr;
}

/** What is told of a server that sends this and nothing else. */
export async function failingAt(play: (socket: Socket) => void, ...args: string[]): Promise<string> {
  await using server = await rawServer((socket) => {
    socket.resume();
    play(socket);
  });
  return await failing(...args, "-o", "ConnectTimeout=2", "-p", String(server.port), server.host);
}

/** What is told when a client comes to a forward through this server, in a session that goes on. */
export async function refusing(server: Server, target: Target, ...args: string[]): Promise<string> {
  await using tunnel = await openTunnel(server, [target], { args });
  await using client = await connectTo(tunnel.port);
  // A window that is read is opened again: a server can send too much only to a client that does not read.
  client.pause();
  await client.send("hello");
  return await toldError(tunnel.program);
}

/** What is told of a server that breaks the rules, once a client comes to the forward. */
export async function refusingAt(manners: Manners, ...args: string[]): Promise<string> {
  await using server: HostileSsh = await hostileSsh(manners);
  return await refusing(server, { host: "target.example", port: 80 }, ...args);
}

async function toldError(program: Porthop): Promise<string> {
  const { message, hint } = await program.event("error");
  return `${message}\n${hint}`;
}

/** SSH_MSG_DISCONNECT (RFC 4253, section 11.1) after the identification. */
export function goodbye(reason: number, words: string): Uint8Array {
  const message = Buffer.concat([Buffer.of(1, 0, 0, 0, reason), text(words), text("")]);
  return Buffer.concat([Buffer.from("SSH-2.0-x\r\n"), clearPacket(message)]);
}
