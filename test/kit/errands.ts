/**
 * What clients of a forward ask of a target in one line, so that both ends know from a few numbers which bytes have to
 * arrive: a download of seeded bytes, an upload that is answered with its hash, an echo; or a target that leaves.
 */
import type { Socket } from "node:net";
import { randomChunks, Summing, sumOf } from "./random.ts";
import { type ServerOptions, sendChunks, serve, type TargetServer } from "./servers.ts";

export interface Errand {
  /** `leave`: the target reads some bytes and closes, whatever more is on its way to it. */
  readonly kind: "download" | "upload" | "echo" | "leave";
  readonly bytes: number;
  readonly seed: number;
}

/** What a client says first. */
export function asked({ kind, bytes, seed }: Errand): string {
  return `${kind} ${bytes} ${seed}\n`;
}

/** What a client that stays gets. */
export async function answerTo({ kind, bytes, seed }: Errand): Promise<{ bytes: number; sha256: string }> {
  const sum = await sumOf(randomChunks(bytes, seed));
  return kind === "upload" ? sumOf([Buffer.from(receipt(sum.bytes, sum.sha256))]) : sum;
}

/** Serves each connection's one errand. An upload is answered as soon as all its bytes are there, FIN or not. */
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
    // Whoever says nothing to the end gets nothing.
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
  // It was not all: a client that goes on waiting sees a clean end with nothing before it.
  socket.on("end", () => socket.end());
  take(first);
}

function receipt(bytes: number, sha256: string): string {
  return `${bytes} ${sha256}\n`;
}
