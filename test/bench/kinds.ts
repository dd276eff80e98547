/** SOCKS and unix sockets against -L, each in a porthop of its own. */
import { alternating, start } from "./contenders.ts";
import { measure, median, perGib } from "./measure.ts";
import type { Moved } from "./peer-bulk.ts";
import { rivals, type Scene } from "./scene.ts";
import { printTable, times } from "./table.ts";

const ways = ["tcp", "unix", "socks"] as const;
const names = ["-L", "-L, a unix socket", "-D"];

export async function kinds(scene: Scene): Promise<void> {
  const { services, rounds, mebibytes } = scene;
  const [, porthop] = rivals(scene);
  const tunnels = await Promise.all(ways.map((way) => start(porthop, services, way)));
  for (const [mode, service] of [
    ["down", "source"],
    ["up", "sink"],
  ] as const) {
    const taken = await alternating(tunnels, rounds, ({ places }) => measure<Moved>(mode, places[service], mebibytes));
    const rates = taken.map((one) => median(one.rates));
    const rows = taken.map((one, index) => [
      names[index] ?? "",
      (rates[index] ?? 0).toFixed(0),
      perGib(one),
      ...(index === 0 ? ["", ""] : [times((rates[index] ?? 0) / (rates[0] ?? 0)), "at least 0.9x"]),
    ]);
    printTable(`bulk ${mode} by kind of listener`, ["listener", "MiB/s", "CPU s/GiB", "it / -L", "aim"], rows);
  }
  const count = 1000;
  const taken = await alternating(tunnels, rounds, ({ places }) => measure("connects", places.echo, count, 1));
  const each = taken.map(({ seconds }) => (median(seconds) / count) * 1e6);
  const rows = each.map((us, index) => [names[index] ?? "", us.toFixed(0), times(us / (each[0] ?? 0))]);
  printTable("a new connection with one byte there and back", ["listener", "us", "it / -L"], rows);
  for (const tunnel of tunnels) await tunnel.stop();
}
