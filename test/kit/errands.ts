/**
 * One-line requests of a client to a target, so both ends know from a few numbers which bytes must arrive: a download
 * of seeded bytes, an upload that is answered with its hash, an echo, or a target that leaves.
 */
import type { Socket } from "node:net";
import { randomChunks, Summing, sumOf } from "./random.ts";
import { type ServerOptions, sendChunks, serve, type TargetServer } from "./servers.ts";

export interface Errand {
  /** `leave`: the target reads some bytes and then closes, although more bytes are on their way. */
  readonly kind: "download" | "upload" | "echo" | "leave";
  readonly bytes: number;
  readonly seed: number;
}

/** The first line of a client. */
export function asked({ kind, bytes, seed }: Errand): string {
  return `${kind} ${bytes} ${seed}\n`;
}

/** The answer for a client that stays. */
export async function answerTo({ kind, bytes, seed }: Errand): Promise<{ bytes: number; sha256: string }> {
  const sum = await sumOf(randomChunks(bytes, seed));
  return kind === "upload" ? sumOf([Buffer.from(receipt(sum.bytes, sum.sha256))]) : sum;
}

/**
 * Serves one errand for each connection. An upload is answered as soon as all its bytes are there, with or without a
 * FIN.
 */
export function errandServer(options: ServerOptions = {}): Promise<TargetServer> {
  return serve(options, (socket) => {
    let heard = Buffer.alloc(0);
    const listen = (chunk: Buffer) => {
      heard = Buffer.concat([heard, chunk]);
      const lineEnd = heard.indexOf(10);
      if (lineEnd === -1) return;
      socket.off("data", listen);
      const [kind = "", bytes, seed] = heard.subarray(0, lineEnd).toString("latin1").split(" ");
      start(socket, kind, Number(bytes), Number(seed), heard.subarray(lineEnd + 1));
    };
    socket.on("data", listen);
    // A client that ends without a request gets no answer.
    socket.on("end", () => socket.end());
  });
}

function start(socket: Socket, kind: string, bytes: number, seed: number, first: Buffer): void {
  socket.removeAllListeners("end");
  if (kind === "download") {
    socket.resume();
    sendChunks(socket, randomChunks(bytes, seed));
    return;
  }
  if (kind === "leave") {
    let left = bytes - first.length;
    socket.on("data", (chunk: Uint8Array) => {
      left -= chunk.length;
      if (left <= 0) socket.destroy();
    });
    return;
  }
  if (kind === "echo") {
    socket.write(first);
    socket.pipe(socket);
    return;
  }
  const summing = new Summing();
  const take = (chunk: Uint8Array) => {
    summing.add(chunk);
    if (summing.bytes < bytes) return;
    const { bytes: got, sha256 } = summing.sum();
    socket.end(receipt(got, sha256));
    socket.off("data", take);
    socket.resume();
  };
  socket.on("data", take);
  // Some bytes are missing. A client that waits for an answer sees a clean end without one.
  socket.on("end", () => socket.end());
  take(first);
}

function receipt(bytes: number, sha256: string): string {
  return `${bytes} ${sha256}\n`;
}
