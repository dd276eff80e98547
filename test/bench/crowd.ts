/** Many flows at once, many that are idle, and one whose reader stands still: time and memory. */
import { freePort } from "../kit/servers.ts";
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

/** An idle tunnel with ten forwards, and what `count` idle flows add. */
export async function idle(scene: Scene, count: number): Promise<void> {
  const [, porthop] = rivals(scene);
  const destination = porthop.command.at(-1) ?? "";
  const more = await Promise.all(Array.from({ length: 7 }, () => freePort()));
  const forwards = more.flatMap((port) => ["-L", `127.0.0.1:${port}:127.0.0.1:${port}`]);
  const ten = { ...porthop, command: [...porthop.command.slice(0, -1), ...forwards, destination] };
  await withTunnels([ten], scene.services, async ([tunnel]) => {
    if (tunnel === undefined) return;
    const mebibytes = (kib: number) => (kib / 1024).toFixed(1);
    const alone = memoryOf(tunnel.pid).now;
    await measure("connects", tunnel.places.echo, 100, 10);
    const before = memoryOf(tunnel.pid).now;
    const peer = await keep("idle", tunnel.places.echo, count);
    const after = memoryOf(tunnel.pid).now;
    await peer.stop();
    printTable(
      "resident memory",
      ["what", "MiB", "KiB each", "aim"],
      [
        ["an idle tunnel with ten forwards", mebibytes(alone), "", "under 60 MB"],
        [`with ${count} idle flows`, mebibytes(after), ((after - before) / count).toFixed(1), "10,000 under 300 MB"],
      ],
    );
  });
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
