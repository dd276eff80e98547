/** Kills of the session under load: who was turned away, what was whole, and how long it took until a new connection was through. */
import { faultyRelay } from "../kit/faulty-relay.ts";
import type { Counts } from "../kit/hashed-load.ts";
import { hashedTarget } from "../kit/hashed-target.ts";
import { freePort } from "../kit/servers.ts";
import { type KillReport, killSessions } from "../kit/session-kills.ts";
import { startSshd } from "../kit/sshd.ts";
import { Standing } from "./standing.ts";
import { printTable, share } from "./table.ts";

export interface Contestant {
  readonly name: string;
  /** The executable of porthop; undefined for ssh in a loop. */
  readonly program: string | undefined;
  readonly words: readonly string[];
}

export function contestants(program: string): readonly Contestant[] {
  const rekeying = ["-o", "RekeyLimit=1M"];
  return [
    { name: "porthop", program, words: [] },
    { name: "porthop, RekeyLimit=1M", program, words: rekeying },
    { name: "ssh in a loop", program: undefined, words: [] },
  ];
}

export async function killMany(program: string, seed: number, kills: number): Promise<void> {
  const rows: string[][] = [];
  for (const contestant of [
    ...contestants(program),
    { name: "porthop --sessions 2", program, words: ["--sessions", "2"] },
  ]) {
    rows.push([contestant.name, ...(await killedUnder(contestant, seed, kills))]);
  }
  const head = ["program", "median ms", "p90", "longest", "all back, median", "turned away", "whole", "broken"];
  const title = `${kills} kills of the session under 20 clients: the time from the loss to the first byte through a new connection;
new connections to listeners here that were refused or ended before a byte; flows that ended cleanly and were not whole`;
  printTable(title, [...head, "not whole", "hung"], rows);
}

async function killedUnder({ program, words }: Contestant, seed: number, kills: number): Promise<string[]> {
  await using sshd = await startSshd();
  await using relay = await faultyRelay(sshd);
  await using there = await hashedTarget();
  await using here = await hashedTarget();
  const [local, dynamic, remote] = [await freePort(), await freePort(), await freePort()];
  const forwards = [
    ...["-L", `127.0.0.1:${local}:127.0.0.1:${there.port}`, "-D", `127.0.0.1:${dynamic}`],
    ...["-R", `127.0.0.1:${remote}:127.0.0.1:${here.port}`],
  ];
  await using _standing = await Standing.start(program, { login: relay.login(sshd), forwards, words, port: local });
  const entrances = [
    { name: "-L", port: local, clients: 14 },
    { name: "-D", port: dynamic, socksTo: there.port, clients: 3 },
    { name: "-R", port: remote, clients: 3 },
  ];
  const report = await killSessions({ sshd, relay, entrances }, { seed, kills, betweenMs: [200, 2000] });
  for (const line of [...report.complaints, ...here.complaints].slice(0, 3)) console.log(`  ${line}`);
  return cells(report, here.verdicts.short + here.verdicts.wrong + there.verdicts.wrong);
}

function cells({ firstByteMs, allBackMs, turnedAway, counts }: KillReport, badUploads: number): string[] {
  const here = ["-L", "-D"].flatMap((name) => counts.get(name) ?? []);
  const all = [...counts.values()];
  const sum = (of: readonly Counts[], what: (each: Counts) => number) =>
    of.reduce((total, one) => total + what(one), 0);
  const away = sum(here, ({ refused }) => refused) + (turnedAway["-L"] ?? 0) + (turnedAway["-D"] ?? 0);
  // What sshd's own end of a -R shows is the kernel's doing, and wrong bytes are bad everywhere.
  const bad = sum(here, ({ short }) => short) + sum(all, ({ wrong }) => wrong) + badUploads;
  const figures = [share(firstByteMs, 0.5), share(firstByteMs, 0.9), Math.max(...firstByteMs), share(allBackMs, 0.5)];
  const sums = [
    away,
    sum(all, ({ whole }) => whole),
    sum(all, ({ broken }) => broken),
    bad,
    sum(all, ({ stuck }) => stuck),
  ];
  return [...figures.map(Math.round), ...sums].map(String);
}
