/**
 * The other processes of the benchmark: `serve` is the target. The other modes are clients that measure one thing and
 * print one JSON line, or stand there until their stdin ends. They run apart from the benchmark, so that they take no
 * turns of what is measured.
 */
import { download, downloadFor, pull, push, upload } from "./peer-bulk.ts";
import { chats, connections, many, pings, roundTrips, smallRequests } from "./peer-small.ts";
import { ask, open, stay } from "./peer-sockets.ts";
import { serveAll } from "./peer-target.ts";

const [mode = "", place = "", ...rest] = process.argv.slice(2);
const [first = 1, second = 1, third = 1] = rest.map(Number);

const modes: Readonly<Record<string, () => Promise<unknown>>> = {
  serve: serveAll,
  down: () => download(place, first, second),
  up: () => upload(place, first, second),
  downFor: () => downloadFor(place, first, second),
  pull: () => pull(place, first),
  push: () => push(place, first),
  trips: () => roundTrips(place, first),
  pings: () => pings(place, first, second),
  requests: () => smallRequests(place, first, second),
  connects: () => connections(place, first, second),
  chats: () => chats(place, first, second, third),
  many: () => many(place, first, second),
  idle: () => idle(place, first),
  stall: () => stall(place, first),
};
const work = modes[mode];
if (work === undefined) throw new Error(`no mode ${mode}`);
const result = await work();
if (result !== undefined) {
  process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
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
  stay();
}

/** Asks for data without end and never reads the data. */
async function stall(to: string, width: number): Promise<void> {
  for (let one = 0; one < width; one++) {
    const socket = await open(to);
    socket.pause();
    socket.write(ask(0));
  }
  stay();
}
