/** What the peers of the benchmark share: how a client reaches a service, and how much can be asked and sent. */
import { connect, type Socket } from "node:net";

const chunk = Buffer.alloc(256 * 1024, 7);

/** `to` is `3456`, `/path.sock`, or `socks:1080:3456` (port 3456 through the proxy on port 1080). */
export async function open(to: string): Promise<Socket> {
  const [how, proxy, target] = to.split(":");
  const where = how === "socks" ? { port: Number(proxy) } : to.startsWith("/") ? { path: to } : { port: Number(to) };
  const socket = connect({ host: "127.0.0.1", ...where, noDelay: true, allowHalfOpen: true });
  await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  if (how === "socks") await askProxy(socket, Number(target));
  return socket;
}

/** SOCKS5 (RFC 1928), both messages at once as fast clients send them. */
async function askProxy(socket: Socket, port: number): Promise<void> {
  const asked = Buffer.from([5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, port >> 8, port & 255]);
  let heard = Buffer.alloc(0);
  socket.write(asked);
  await new Promise<void>((resolve, reject) => {
    const listen = (data: Buffer) => {
      heard = Buffer.concat([heard, data]);
      if (heard.length < 12) return;
      socket.off("data", listen);
      if (heard[3] === 0) resolve();
      else reject(new Error(`the proxy says ${heard[3]}`));
    };
    socket.on("data", listen).once("error", reject);
  });
}

/** What the source is asked: how many MiB to send, 0 for no end. */
export function ask(mebibytes: number): Buffer {
  const text = Buffer.alloc(4);
  text.writeUInt32BE(mebibytes);
  return text;
}

/** Sends so many bytes as fast as they are taken, and then FIN. */
export function pour(socket: Socket, bytes: number): void {
  let left = bytes;
  const go = () => {
    while (left > 0) {
      const piece = left < chunk.byteLength ? chunk.subarray(0, left) : chunk;
      left -= piece.byteLength;
      if (!socket.write(piece)) return void socket.once("drain", go);
    }
    socket.end();
  };
  go();
}

/** Says that all is prepared, and does `last` when the benchmark has had enough. */
export function stay(last: () => unknown = () => undefined): void {
  process.stdout.write('{"ready":true}\n');
  process.stdin.resume().on("end", () => {
    const result = last();
    if (result === undefined) process.exit(0);
    process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
  });
}
