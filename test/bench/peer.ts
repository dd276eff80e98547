/**
 * The other processes of the benchmark: `serve` is the target (source, sink, echo). The other modes are clients that
 * measure one thing and print one JSON line. They run apart from the benchmark, so that they take no turns of what is
 * measured. A client goes to `3456`, `/path.sock`, or `socks:1080:3456` (port 3456 through the proxy on port 1080).
 */
import { connect, createServer, type Socket } from "node:net";

const [mode = "", ...rest] = process.argv.slice(2);
const place = rest[0] ?? "";
const chunk = Buffer.alloc(256 * 1024, 7);

const modes: Readonly<Record<string, () => Promise<unknown>>> = {
  serve,
  down: () => download(place, Number(rest[1])),
  up: () => upload(place, Number(rest[1])),
  trips: () => roundTrips(place, Number(rest[1])),
  connects: () => connections(place, Number(rest[1]), Number(rest[2])),
  idle: () => idle(place, Number(rest[1])),
  stall: () => stall(place, Number(rest[1])),
  requests: () => smallRequests(place, Number(rest[1])),
  pull: () => pull(place),
  many: () => many(place, Number(rest[1]), Number(rest[2])),
};
const work = modes[mode];
if (work === undefined) throw new Error(`no mode ${mode}`);
const result = await work();
if (result !== undefined) {
  process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
}

/**
 * One port for each service. The first four bytes of a connection to the source say how many MiB to send, 0 for no end.
 */
async function serve(): Promise<void> {
  const services: Readonly<Record<string, (socket: Socket) => void>> = {
    source: (socket) => {
      socket.once("data", (ask: Buffer) => {
        const mebibytes = ask.readUInt32BE(0);
        pour(socket, mebibytes === 0 ? Number.POSITIVE_INFINITY : mebibytes * 1024 * 1024);
      });
    },
    sink: (socket) => {
      let bytes = 0;
      socket.on("data", (data: Buffer) => {
        bytes += data.byteLength;
      });
      socket.on("end", () => socket.end(`${bytes}`));
    },
    echo: (socket) => void socket.on("data", (data: Buffer) => socket.write(data)).on("end", () => socket.end()),
  };
  const ports: Record<string, number> = {};
  for (const [name, handle] of Object.entries(services)) {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      // Clients of the stall and idle runs leave without a word.
      socket.on("error", () => {});
      handle(socket);
    });
    await new Promise<void>((resolve) => server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, resolve));
    ports[name] = (server.address() as { port: number }).port;
  }
  process.stdout.write(`${JSON.stringify(ports)}\n`);
  process.stdin.resume().on("end", () => process.exit(0));
}

function pour(socket: Socket, bytes: number): void {
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

async function open(to: string): Promise<Socket> {
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

function ask(mebibytes: number): Buffer {
  const text = Buffer.alloc(4);
  text.writeUInt32BE(mebibytes);
  return text;
}

async function download(to: string, mebibytes: number): Promise<{ seconds: number }> {
  const socket = await open(to);
  const start = performance.now();
  let bytes = 0;
  socket.write(ask(mebibytes));
  await new Promise<void>((resolve, reject) => {
    socket.on("data", (data: Buffer) => {
      bytes += data.byteLength;
    });
    socket.on("end", resolve).on("error", reject);
  });
  if (bytes !== mebibytes * 1024 * 1024) throw new Error(`got ${bytes} bytes`);
  return { seconds: (performance.now() - start) / 1000 };
}

async function upload(to: string, mebibytes: number): Promise<{ seconds: number }> {
  const socket = await open(to);
  const start = performance.now();
  let answer = "";
  const done = new Promise<void>((resolve, reject) => {
    socket.on("data", (data: Buffer) => {
      answer += data.toString();
    });
    socket.on("end", resolve).on("error", reject);
  });
  pour(socket, mebibytes * 1024 * 1024);
  await done;
  if (answer !== String(mebibytes * 1024 * 1024)) throw new Error(`the sink got ${answer} bytes`);
  return { seconds: (performance.now() - start) / 1000 };
}

async function roundTrips(to: string, count: number): Promise<{ seconds: number }> {
  const socket = await open(to);
  const byte = Buffer.from([1]);
  const once = () =>
    new Promise<void>((resolve) => {
      socket.once("data", () => resolve());
      socket.write(byte);
    });
  for (let warm = 0; warm < 200; warm++) await once();
  const start = performance.now();
  for (let trip = 0; trip < count; trip++) await once();
  const seconds = (performance.now() - start) / 1000;
  socket.destroy();
  return { seconds };
}

/** Connections that each send a byte, see it come back, and close; `width` of them at a time. */
async function connections(to: string, count: number, width: number): Promise<{ seconds: number }> {
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

/** Opens connections, tests each with one byte, reports that all are open, and keeps them until stdin ends. */
async function idle(to: string, count: number): Promise<void> {
  for (let from = 0; from < count; from += 50) {
    await Promise.all(
      Array.from({ length: Math.min(50, count - from) }, async () => {
        const socket = await open(to);
        await new Promise<void>((resolve) => {
          socket.once("data", () => resolve());
          socket.write("x");
        });
      }),
    );
  }
  process.stdout.write('{"ready":true}\n');
  process.stdin.resume().on("end", () => process.exit(0));
}

/** Asks for data without end and never reads the data. */
async function stall(to: string, width: number): Promise<void> {
  for (let one = 0; one < width; one++) {
    const socket = await open(to);
    socket.pause();
    socket.write(ask(0));
  }
  process.stdout.write('{"ready":true}\n');
  process.stdin.resume().on("end", () => process.exit(0));
}

/** A connection, a byte there and back, an end; then the next one. */
async function smallRequests(to: string, count: number): Promise<{ p50: number; p99: number }> {
  const taken: number[] = [];
  for (let left = count; left > 0; left--) {
    const start = performance.now();
    const socket = await open(to);
    await new Promise<void>((resolve, reject) => {
      socket.once("data", () => resolve()).on("error", reject);
      socket.write("x");
    });
    taken.push(performance.now() - start);
    socket.end();
  }
  taken.sort((one, other) => one - other);
  const at = (part: number) => taken[Math.floor(count * part)] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99) };
}

/** A download without end, read as fast as it comes. Reports once 20 MB have come. */
async function pull(to: string): Promise<void> {
  const socket = await open(to);
  let left = 20_000_000;
  const flows = new Promise<void>((resolve) => {
    socket.on("data", (data: Buffer) => {
      left -= data.byteLength;
      if (left <= 0) resolve();
    });
  });
  socket.write(ask(0));
  await flows;
  process.stdout.write('{"ready":true}\n');
  process.stdin.resume().on("end", () => process.exit(0));
}

/**
 * Opens all connections, then sends a KiB on each and waits until it comes back, `rounds` times, on all at once.
 * Measures the time for all together.
 */
async function many(to: string, count: number, rounds: number): Promise<{ seconds: number }> {
  const start = performance.now();
  const sockets: Socket[] = [];
  for (let from = 0; from < count; from += 100) {
    sockets.push(...(await Promise.all(Array.from({ length: Math.min(100, count - from) }, () => open(to)))));
  }
  const text = Buffer.alloc(1024, "x");
  const talk = (socket: Socket) =>
    new Promise<void>((resolve, reject) => {
      let heard = 0;
      socket.on("error", reject).on("end", resolve);
      socket.on("data", (data: Buffer) => {
        heard += data.byteLength;
        if (heard === rounds * text.byteLength) socket.end();
        else if (heard % text.byteLength === 0) socket.write(text);
      });
      socket.write(text);
    });
  await Promise.all(sockets.map(talk));
  return { seconds: (performance.now() - start) / 1000 };
}
