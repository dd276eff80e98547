/** Small requests, each on a connection of its own, beside a bulk download: ssh has one session, porthop one or more. */
import { faultyRelay } from "../kit/faulty-relay.ts";
import { porthopContender, type Reached, sshContender, throughRelay, withTunnels } from "./contenders.ts";
import { keep, measure } from "./measure.ts";
import type { Waits } from "./peer-small.ts";
import type { Scene } from "./scene.ts";
import { printTable, times } from "./table.ts";

const requests = 300;

export async function smallBesideBulk(scene: Scene, counts: readonly number[]): Promise<void> {
  const { sshd } = scene;
  await compareOver(scene, sshd, [], counts, "loopback");
  // The speed counts for each connection: on a line that all sessions share they would share its queue too.
  await using relay = await faultyRelay(sshd, { bytesPerSecond: 20_000_000 });
  const { reached, words } = throughRelay(relay, sshd);
  await compareOver(scene, reached, words, counts, "a line of 20 MB/s for each connection");
}

async function compareOver(
  { program, services }: Scene,
  sshd: Reached,
  words: readonly string[],
  counts: readonly number[],
  line: string,
): Promise<void> {
  const contenders = [
    sshContender("ssh, one session", sshd),
    ...counts.map((count) =>
      porthopContender(`porthop --sessions ${count}`, [program], sshd, [...words, "--sessions", String(count)]),
    ),
  ];
  const rows: string[][] = [];
  let theirs = Number.NaN;
  for (const contender of contenders) {
    await withTunnels([contender], services, async ([tunnel]) => {
      if (tunnel === undefined) return;
      const idle = await measure<Waits>("requests", tunnel.places.echo, requests, 1);
      const bulk = await keep("pull", tunnel.places.source);
      const { p50, p99 } = await measure<Waits>("requests", tunnel.places.echo, requests, 1);
      const { bytes = 0, seconds = 0 } = (await bulk.stop()) ?? {};
      if (rows.length === 0) theirs = p99;
      const ms = [idle.p99, p50, p99].map((value) => value.toFixed(1));
      rows.push([contender.name, ...ms, times(p99 / theirs), (bytes / 1024 / 1024 / seconds).toFixed(0)]);
    });
  }
  const head = ["program", "p99 alone", "median beside bulk", "p99 beside bulk", "p99 / ssh's", "bulk MiB/s"];
  printTable(`${requests} small requests beside a bulk download over ${line}, ms`, head, rows);
}
