/** One client of a hashed target, through any listener: what became of its exchange, and when the first byte came. */
import { createConnection, type Socket } from "node:net";
import { ExpectedBytes, type Verdict } from "./expected-bytes.ts";
import { answerOf, type Exchange, requestOf, uploadOf } from "./hashed-target.ts";
import { greeting5, request5 } from "./proxy-bytes.ts";
import { drained } from "./tcp-end.ts";

/** Where a client connects. With `socksTo` there is a proxy, which is asked for this port. */
export interface Entrance {
  readonly port: number;
  readonly socksTo?: number | undefined;
}

/**
 * `refused`: the connection was not accepted, or the proxy said no. `unheard`: it ended or was reset before the first
 * byte of the target. `stuck`: it was given up.
 */
export type Outcome = Verdict | "refused" | "unheard" | "stuck";

/** Uploads and downloads at the same time. Resolves when the connection is over. */
export async function playExchange(
  entrance: Entrance,
  exchange: Exchange,
  giveUp?: AbortSignal,
): Promise<{ outcome: Outcome; bytes: number }> {
  const expected = new ExpectedBytes(answerOf(exchange));
  const { socket, ended } = enter(entrance, (chunk) => expected.take(chunk));
  const reset = () => socket.destroy();
  giveUp?.addEventListener("abort", reset);
  void send(socket, exchange);
  const end = await ended;
  giveUp?.removeEventListener("abort", reset);
  const outcome = () => {
    if (giveUp?.aborted === true) return "stuck";
    if (end === "refused") return "refused";
    return expected.bytes === 0 ? "unheard" : expected.verdict(end === "fin");
  };
  return { outcome: outcome(), bytes: expected.bytes };
}

/** Connects, and resolves when the target's first byte is here or cannot come. */
export async function hearFirstByte(entrance: Entrance): Promise<"heard" | "refused" | "unheard"> {
  return new Promise((resolve) => {
    const { socket, ended } = enter(entrance, () => {
      resolve("heard");
      socket.destroy();
    });
    void ended.then((end) => resolve(end === "refused" ? "refused" : "unheard"));
  });
}

type End = "fin" | "reset" | "refused";

/** `take` gets what comes behind the answers of a proxy. */
function enter(
  { port, socksTo }: Entrance,
  take: (chunk: Uint8Array) => void,
): { socket: Socket; ended: Promise<End> } {
  const socket = createConnection({ host: "127.0.0.1", port, allowHalfOpen: true, noDelay: true });
  const proxy = new ProxyAnswer(socksTo !== undefined);
  // The request goes at once, as fast clients do it.
  if (socksTo !== undefined) socket.write(Buffer.concat([greeting5, request5([127, 0, 0, 1], socksTo)]));
  const ended = new Promise<End>((resolve) => {
    let isOpen = false;
    const over = (end: End) => resolve(isOpen && !proxy.refuses ? end : "refused");
    socket.on("connect", () => {
      isOpen = true;
    });
    socket.on("data", (chunk: Uint8Array) => {
      const rest = proxy.strip(chunk);
      if (rest.length > 0) take(rest);
    });
    socket.on("end", () => over("fin"));
    socket.on("close", () => over("reset"));
    socket.on("error", () => {});
  });
  return { socket, ended };
}

async function send(socket: Socket, exchange: Exchange): Promise<void> {
  socket.write(requestOf(exchange));
  for (const chunk of uploadOf(exchange)) {
    if (socket.destroyed) return;
    if (!socket.write(chunk)) await drained(socket);
  }
  socket.end();
}

/** The two answers of a SOCKS5 proxy, before the bytes of the target (RFC 1928, sections 3 and 6). */
class ProxyAnswer {
  refuses = false;
  #left: number;
  #heard = Buffer.alloc(0);

  constructor(isProxy: boolean) {
    this.#left = isProxy ? 2 + 10 : 0;
  }

  strip(chunk: Uint8Array): Uint8Array {
    if (this.#left === 0) return chunk;
    const own = chunk.subarray(0, this.#left);
    this.#left -= own.length;
    this.#heard = Buffer.concat([this.#heard, own]);
    if (this.#heard.length > 3 && this.#heard[3] !== 0) this.refuses = true;
    return this.refuses ? new Uint8Array() : chunk.subarray(own.length);
  }
}
