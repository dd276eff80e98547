/**
 * The target of the hashed load: greets at once, takes an upload that is known byte for byte, sends a download that is
 * known too, and then the hash of what it got. So a clean end of either half that lacks bytes cannot look like a whole one.
 */
import type { Socket } from "node:net";
import { ExpectedBytes, type Verdict } from "./expected-bytes.ts";
import { randomChunks, Summing } from "./random.ts";
import { serve, type TargetServer } from "./servers.ts";
import { drained } from "./tcp-end.ts";

export interface Exchange {
  readonly up: number;
  readonly down: number;
  readonly seed: number;
}

export interface HashedTarget extends TargetServer {
  /** How the uploads ended that have begun. */
  readonly verdicts: Readonly<Record<Verdict, number>>;
  /** One line for each upload with wrong or missing bytes before a clean end. */
  readonly complaints: readonly string[];
}

/** What comes first on each connection, so that a client knows when it is through. */
export const greeting = Buffer.from("!");

/** The first line of a client; its upload follows. */
export function requestOf({ up, down, seed }: Exchange): Buffer {
  return Buffer.from(`${up} ${down} ${seed}\n`);
}

export function uploadOf({ up, seed }: Exchange): Iterable<Uint8Array> {
  return randomChunks(up, seed);
}

/** All that the target sends. The client knows the hash at the end because it knows its upload. */
export function* answerOf(exchange: Exchange): Generator<Uint8Array> {
  yield greeting;
  yield* downloadOf(exchange);
  const summing = new Summing();
  for (const chunk of uploadOf(exchange)) summing.add(chunk);
  yield Buffer.from(summing.sum().sha256);
}

export async function hashedTarget(): Promise<HashedTarget> {
  const verdicts = { whole: 0, short: 0, broken: 0, wrong: 0 };
  const complaints: string[] = [];
  const target = await serve({}, (socket) => {
    socket.write(greeting);
    hearRequest(socket, (exchange, first) => {
      receive(socket, exchange, first, (verdict, bytes) => {
        verdicts[verdict]++;
        const isBad = verdict === "wrong" || verdict === "short";
        if (isBad) complaints.push(`an upload was ${verdict} after ${bytes} bytes (${JSON.stringify(exchange)})`);
      });
    });
  });
  return Object.assign(target, { verdicts, complaints });
}

function downloadOf({ down, seed }: Exchange): Iterable<Uint8Array> {
  return randomChunks(down, seed + 1);
}

function hearRequest(socket: Socket, heard: (exchange: Exchange, first: Uint8Array) => void): void {
  let line = Buffer.alloc(0);
  const listen = (chunk: Buffer) => {
    line = Buffer.concat([line, chunk]);
    const end = line.indexOf(10);
    if (end === -1) return;
    socket.off("data", listen);
    const [up, down, seed] = line.subarray(0, end).toString("latin1").split(" ").map(Number);
    heard({ up: up ?? 0, down: down ?? 0, seed: seed ?? 0 }, line.subarray(end + 1));
  };
  socket.on("data", listen);
  // A client that leaves before it has asked is only looking who is here.
  socket.on("end", () => socket.end());
}

function receive(
  socket: Socket,
  exchange: Exchange,
  first: Uint8Array,
  ended: (verdict: Verdict, bytes: number) => void,
): void {
  const expected = new ExpectedBytes(uploadOf(exchange));
  const summing = new Summing();
  const take = (chunk: Uint8Array) => {
    expected.take(chunk);
    summing.add(chunk);
  };
  let isOver = false;
  const settle = (isCleanEnd: boolean) => {
    if (isOver) return;
    isOver = true;
    ended(expected.verdict(isCleanEnd), expected.bytes);
  };
  socket.removeAllListeners("end");
  socket.on("data", take);
  socket.on("close", () => settle(false));
  const uploaded = new Promise<boolean>((resolve) => {
    socket.on("end", () => {
      settle(true);
      resolve(expected.isWhole);
    });
  });
  take(first);
  void answer(socket, exchange, uploaded, () => summing.sum().sha256);
}

/** The hash is sent when the upload has ended, and an upload that is not whole is answered with a reset. */
async function answer(
  socket: Socket,
  exchange: Exchange,
  uploaded: Promise<boolean>,
  hash: () => string,
): Promise<void> {
  for (const chunk of downloadOf(exchange)) {
    if (socket.destroyed) return;
    if (!socket.write(chunk)) await drained(socket);
  }
  if (await uploaded) socket.end(hash());
  else socket.resetAndDestroy();
}
