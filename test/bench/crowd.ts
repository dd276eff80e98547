/** Many flows at once, many that are idle, and one whose reader stands still: time and memory. */
import { withTunnels } from "./contenders.ts";
import { keep, measure, median, memoryOf } from "./measure.ts";
import { compare, rivals, type Scene } from "./scene.ts";
import { printTable, times } from "./table.ts";

export async function many(scene: Scene): Promise<void> {
  const [count, talks] = [2000, 10];
  const taken = await compare(scene, rivals(scene), ({ places }) => measure("many", places.echo, count, talks));
  const [theirs = 0, ours = 0] = taken.map(({ seconds }) => median(seconds));
  const rows = [
    ["ssh", theirs.toFixed(2), times(ours / theirs)],
    ["porthop", ours.toFixed(2), ""],
  ];
  const title = `${count} flows at once over one session, ${talks} KiB there and back on each`;
  printTable(title, ["program", "seconds", "porthop / it"], rows);
}

export async function idle(scene: Scene): Promise<void> {
  const count = 1000;
  const [, porthop] = rivals(scene);
  const kib = await withTunnels([porthop], scene.services, async ([tunnel]) => {
    if (tunnel === undefined) return Number.NaN;
    await measure("connects", tunnel.places.echo, 100, 10);
    const before = memoryOf(tunnel.pid).now;
    const peer = await keep("idle", tunnel.places.echo, count);
    const after = memoryOf(tunnel.pid).now;
    await peer.stop();
    return (after - before) / count;
  });
  printTable(
    `memory of ${count} idle flows`,
    ["program", "KiB each", "aim"],
    [["porthop", kib.toFixed(1), "under 100"]],
  );
}

export async function stall(scene: Scene, seconds: number): Promise<void> {
  const [, porthop] = rivals(scene);
  const grown = await withTunnels([porthop], scene.services, async ([tunnel]) => {
    if (tunnel === undefined) return Number.NaN;
    await measure("down", tunnel.places.source, 64);
    const before = memoryOf(tunnel.pid).now;
    const peer = await keep("stall", tunnel.places.source, 1);
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    const after = memoryOf(tunnel.pid);
    await peer.stop();
    return (after.now - before) / 1024;
  });
  const title = `a reader that stops for ${seconds} s while the source goes on`;
  printTable(title, ["program", "MiB of growth"], [["porthop", grown.toFixed(1)]]);
}
