/** The peers that move many bytes: a fixed amount, for a fixed time, or until they are told to stop. */
import type { Socket } from "node:net";
import { ask, open, pour, stay } from "./peer-sockets.ts";

export interface Moved {
  readonly seconds: number;
  readonly bytes: number;
}

/** So many bytes have to pass before what stands beside a bulk flow is measured. */
const firstBytes = 20_000_000;

/** The MiB are those of all flows together. */
export async function download(to: string, mebibytes: number, flows = 1): Promise<Moved> {
  const each = Math.round(mebibytes / flows);
  return timed(await opened(to, flows), async (socket) => {
    let bytes = 0;
    socket.write(ask(each));
    await new Promise<void>((resolve, reject) => {
      socket.on("data", (data: Buffer) => {
        bytes += data.byteLength;
      });
      socket.on("end", resolve).on("error", reject);
    });
    if (bytes !== each * 1024 * 1024) throw new Error(`got ${bytes} bytes`);
    return bytes;
  });
}

export async function upload(to: string, mebibytes: number, flows = 1): Promise<Moved> {
  const each = Math.round(mebibytes / flows) * 1024 * 1024;
  return timed(await opened(to, flows), async (socket) => {
    let answer = "";
    const done = new Promise<void>((resolve, reject) => {
      socket.on("data", (data: Buffer) => {
        answer += data.toString();
      });
      socket.on("end", resolve).on("error", reject);
    });
    pour(socket, each);
    await done;
    if (answer !== String(each)) throw new Error(`the sink got ${answer} bytes`);
    return each;
  });
}

/** Downloads without end, broken off after so many seconds: where the contenders differ by far, no amount fits both. */
export async function downloadFor(to: string, seconds: number, flows: number): Promise<Moved> {
  const sockets = await opened(to, flows);
  let bytes = 0;
  const start = performance.now();
  for (const socket of sockets) {
    socket.on("data", (data: Buffer) => {
      bytes += data.byteLength;
    });
    socket.write(ask(0));
  }
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const taken = (performance.now() - start) / 1000;
  for (const socket of sockets) socket.destroy();
  return { seconds: taken, bytes };
}

/** Downloads without end, read as fast as they come. At the end they tell what has come meanwhile. */
export async function pull(to: string, flows = 1): Promise<void> {
  const counted = counting();
  for (const socket of await opened(to, flows)) {
    socket.on("data", (data: Buffer) => counted.add(data.byteLength));
    socket.write(ask(0));
  }
  await counted.flows;
  stay(counted.rest);
}

/** Uploads without end. What is counted is what the system has taken. */
export async function push(to: string, flows = 1): Promise<void> {
  const counted = counting();
  for (const socket of await opened(to, flows)) {
    pour(socket, Number.POSITIVE_INFINITY);
    let before = 0;
    socket.on("drain", () => {
      counted.add(socket.bytesWritten - before);
      before = socket.bytesWritten;
    });
  }
  await counted.flows;
  stay(counted.rest);
}

function counting() {
  let bytes = 0;
  let start = 0;
  const begun = Promise.withResolvers<void>();
  return {
    flows: begun.promise,
    add(more: number) {
      bytes += more;
      if (start > 0 || bytes < firstBytes) return;
      start = performance.now();
      bytes = 0;
      begun.resolve();
    },
    rest: () => ({ bytes, seconds: (performance.now() - start) / 1000 }),
  };
}

function opened(to: string, flows: number): Promise<Socket[]> {
  return Promise.all(Array.from({ length: flows }, () => open(to)));
}

async function timed(sockets: readonly Socket[], move: (socket: Socket) => Promise<number>): Promise<Moved> {
  const start = performance.now();
  const moved = await Promise.all(sockets.map(move));
  const bytes = moved.reduce((sum, one) => sum + one, 0);
  return { seconds: (performance.now() - start) / 1000, bytes };
}
