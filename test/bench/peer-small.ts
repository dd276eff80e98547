/** The peers of few bytes: round trips, new connections, and many flows that talk at once. */
import type { Socket } from "node:net";
import { open } from "./peer-sockets.ts";

export interface Waits {
  readonly p50: number;
  readonly p99: number;
}

const byte = Buffer.from([1]);

export async function roundTrips(to: string, count: number): Promise<{ seconds: number }> {
  const socket = await open(to);
  for (let warm = 0; warm < 200; warm++) await exchange(socket, byte);
  const start = performance.now();
  for (let trip = 0; trip < count; trip++) await exchange(socket, byte);
  const seconds = (performance.now() - start) / 1000;
  socket.destroy();
  return { seconds };
}

/** 1-byte round trips on standing connections, `lanes` of them, each by itself: milliseconds. */
export async function pings(to: string, count: number, lanes: number): Promise<Waits> {
  const sockets = await Promise.all(Array.from({ length: lanes }, () => open(to)));
  for (const socket of sockets) await exchange(socket, byte);
  const taken: number[] = [];
  await Promise.all(
    sockets.map(async (socket, lane) => {
      await apart(lane);
      for (let left = Math.round(count / lanes); left > 0; left--) {
        const start = performance.now();
        await exchange(socket, byte);
        taken.push(performance.now() - start);
      }
      socket.end();
    }),
  );
  return waits(taken);
}

/** A connection, a byte there and back, an end; then the next one. `lanes` of them at a time: milliseconds. */
export async function smallRequests(to: string, count: number, lanes: number): Promise<Waits> {
  const taken: number[] = [];
  await Promise.all(
    Array.from({ length: lanes }, async (_, lane) => {
      await apart(lane);
      for (let left = Math.round(count / lanes); left > 0; left--) {
        const start = performance.now();
        const socket = await open(to);
        await exchange(socket, byte);
        taken.push(performance.now() - start);
        socket.end();
      }
    }),
  );
  return waits(taken);
}

/** Connections that each send a byte, see it come back, and close; `width` of them at a time. */
export async function connections(to: string, count: number, width: number): Promise<{ seconds: number }> {
  let left = count;
  const start = performance.now();
  const lane = async () => {
    while (left-- > 0) {
      const socket = await open(to);
      await new Promise<void>((resolve, reject) => {
        socket.on("data", () => socket.end());
        socket.on("end", resolve).on("error", reject);
        socket.write("x");
      });
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
  return { seconds: (performance.now() - start) / 1000 };
}

/** Standing connections that send `depth` bytes, each a message, and wait until all are back, again and again. */
export async function chats(to: string, width: number, count: number, depth: number): Promise<{ seconds: number }> {
  const sockets = await Promise.all(Array.from({ length: width }, () => open(to)));
  const messages = Buffer.alloc(depth, 1);
  const talk = async (socket: Socket, times: number) => {
    for (let left = times; left > 0; left--) await exchange(socket, messages);
  };
  await Promise.all(sockets.map((socket) => talk(socket, 3)));
  const start = performance.now();
  await Promise.all(sockets.map((socket) => talk(socket, Math.round(count / width / depth))));
  const seconds = (performance.now() - start) / 1000;
  for (const socket of sockets) socket.destroy();
  return { seconds };
}

/**
 * Opens all connections, then sends a KiB on each and waits until it comes back, `rounds` times, on all at once.
 * Measures the time for all together.
 */
export async function many(to: string, count: number, rounds: number): Promise<{ seconds: number }> {
  const start = performance.now();
  const sockets: Socket[] = [];
  for (let from = 0; from < count; from += 100) {
    sockets.push(...(await Promise.all(Array.from({ length: Math.min(100, count - from) }, () => open(to)))));
  }
  const text = Buffer.alloc(1024, "x");
  const talk = async (socket: Socket) => {
    for (let left = rounds; left > 0; left--) await exchange(socket, text);
    await new Promise<void>((resolve) => socket.on("end", resolve).end());
  };
  await Promise.all(sockets.map(talk));
  return { seconds: (performance.now() - start) / 1000 };
}

/** Sends it, and waits until as much is back. */
function exchange(socket: Socket, sent: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    let left = sent.byteLength;
    const take = (data: Buffer) => {
      left -= data.byteLength;
      if (left > 0) return;
      socket.off("data", take).off("error", reject);
      resolve();
    };
    socket.on("data", take).on("error", reject);
    socket.write(sent);
  });
}

/** Lanes that begin together would wait for each other, turn by turn. */
function apart(lane: number): Promise<unknown> {
  return new Promise((resolve) => setTimeout(resolve, lane * 7));
}

function waits(taken: number[]): Waits {
  taken.sort((one, other) => one - other);
  const at = (part: number) => taken[Math.floor(taken.length * part)] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99) };
}
