/**
 * Fairness with one session: how long 1-byte requests wait beside a bulk flow, on a standing connection and on new ones,
 * and what the bulk flow gets meanwhile, since a flow that stands still makes nobody wait.
 */
import { type Contender, type Services, type Tunnel, withTunnels } from "./contenders.ts";
import { cpuOf, keep, measure, median, perGib } from "./measure.ts";
import type { Waits } from "./peer-small.ts";
import { rivals, type Scene } from "./scene.ts";
import { printTable, times } from "./table.ts";

export const besides = ["nothing", "a download", "an upload"] as const;
export type Beside = (typeof besides)[number];

export interface Looks {
  readonly contenders: readonly Contender[];
  readonly services: Services;
  readonly rounds: number;
  readonly beside: Beside;
  /** How many requests of each kind in a round, and on how many connections at a time. */
  readonly requests: number;
  readonly lanes: number;
}

/** Medians of the rounds, in ms; and the bulk flow's share. */
export interface Fairness {
  readonly standing: Waits;
  readonly fresh: Waits;
  readonly mibPerSecond: number;
  readonly cpuPerGib: string;
}

export async function fair(scene: Scene): Promise<void> {
  const requests = 400;
  const { services, rounds } = scene;
  const rows: string[][] = [];
  const bulkRows: string[][] = [];
  for (const beside of besides) {
    const looks = { contenders: rivals(scene), services, rounds, beside, requests, lanes: 1 };
    const [theirs, ours] = await fairness(looks);
    if (theirs === undefined || ours === undefined) continue;
    const goal = "p99 at most 0.5x of ssh's";
    rows.push(...waitRows(beside, theirs, ours, beside === "nothing" ? {} : { standing: goal, fresh: goal }));
    if (beside !== "nothing") bulkRows.push(bulkRow(beside, theirs, ours));
  }
  printTable(`${requests} 1-byte requests, one at a time, beside a bulk flow on loopback, ms`, waitHead, rows);
  printTable("the bulk flow meanwhile", bulkHead, bulkRows);
}

export const waitHead = ["requests", "ssh p50", "ssh p99", "porthop p50", "porthop p99", "p99 / ssh's", "aim"];
export const bulkHead = ["flow", "ssh MiB/s", "porthop MiB/s", "porthop / ssh", "ssh CPU s/GiB", "porthop CPU s/GiB"];

export function waitRows(
  beside: string,
  theirs: Fairness,
  ours: Fairness,
  goals: { readonly standing?: string; readonly fresh?: string } = {},
): string[][] {
  return (["standing", "fresh"] as const).map((kind) => {
    const [its, mine] = [theirs[kind], ours[kind]];
    const name = kind === "standing" ? "on a standing connection" : "on new connections";
    const ms = [its.p50, its.p99, mine.p50, mine.p99].map((value) => value.toFixed(2));
    return [`${name}, beside ${beside}`, ...ms, times(mine.p99 / its.p99), goals[kind] ?? ""];
  });
}

export function bulkRow(beside: string, theirs: Fairness, ours: Fairness): string[] {
  const rates = [theirs, ours].map(({ mibPerSecond }) => mibPerSecond.toFixed(0));
  return [beside, ...rates, times(ours.mibPerSecond / theirs.mibPerSecond), theirs.cpuPerGib, ours.cpuPerGib];
}

/** One for each contender. The first round is thrown away. */
export async function fairness(looks: Looks): Promise<readonly Fairness[]> {
  return withTunnels(looks.contenders, looks.services, async (tunnels) => {
    const seen = tunnels.map((): Look[] => []);
    for (let round = 0; round <= looks.rounds; round++) {
      for (const [index, tunnel] of tunnels.entries()) {
        const one = await look(tunnel, looks);
        if (round > 0) seen[index]?.push(one);
      }
    }
    return seen.map(summed);
  });
}

interface Look {
  readonly standing: Waits;
  readonly fresh: Waits;
  readonly bytes: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
}

async function look({ places, pid }: Tunnel, { beside, requests, lanes }: Looks): Promise<Look> {
  const bulk =
    beside === "nothing"
      ? undefined
      : await (beside === "a download" ? keep("pull", places.source) : keep("push", places.sink));
  const before = cpuOf(pid);
  const standing = await measure<Waits>("pings", places.echo, requests, lanes);
  const fresh = await measure<Waits>("requests", places.echo, requests, lanes);
  const cpuSeconds = cpuOf(pid) - before;
  const { bytes = 0, seconds = 0 } = (await bulk?.stop()) ?? {};
  return { standing, fresh, bytes, seconds, cpuSeconds };
}

function summed(looks: readonly Look[]): Fairness {
  const middle = (kind: "standing" | "fresh"): Waits => ({
    p50: median(looks.map((one) => one[kind].p50)),
    p99: median(looks.map((one) => one[kind].p99)),
  });
  const total = (what: (one: Look) => number) => looks.reduce((sum, one) => sum + what(one), 0);
  const mebibytes = total(({ bytes }) => bytes) / 1024 / 1024;
  return {
    standing: middle("standing"),
    fresh: middle("fresh"),
    mibPerSecond: mebibytes / total(({ seconds }) => seconds),
    cpuPerGib: perGib({ cpuSeconds: total(({ cpuSeconds }) => cpuSeconds), mebibytes }),
  };
}
