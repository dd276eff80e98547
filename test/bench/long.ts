/**
 * Long links: a line that holds each byte for half of a round trip each way, before sshd. One flow and four, down and up,
 * and small requests beside a download. Through the line sshd's own TCP buffers do not count: it ends TCP on both sides.
 */
import { longLine } from "../kit/long-line.ts";
import { type Contender, porthopContender, sshContender, throughRelay } from "./contenders.ts";
import { bulkHead, bulkRow, fairness, waitHead, waitRows } from "./fair.ts";
import { measure, median, perGib } from "./measure.ts";
import type { Moved } from "./peer-bulk.ts";
import { compare, type Scene } from "./scene.ts";
import { printTable, times } from "./table.ts";

/** How long a download goes on, the growth of its window included. */
const downSeconds = 4;
/** What an upload moves, in windows of 2 MiB for each flow: about as long. */
const upWindows = 80;
const head = ["what", "ssh MiB/s", "porthop MiB/s", "porthop / ssh", "aim", "ssh CPU s/GiB", "porthop CPU s/GiB"];

export async function long(scene: Scene, roundTripsMs: readonly number[]): Promise<void> {
  for (const ms of roundTripsMs) await over(scene, ms);
}

async function over(given: Scene, roundTripMs: number): Promise<void> {
  await using line = await longLine(given.sshd, roundTripMs / 2);
  const { reached, words } = throughRelay(line, given.sshd);
  const contenders = [sshContender("ssh", reached), porthopContender("porthop", [given.program], reached, words)];
  // The slow ones take their time: a few rounds are enough where the line decides.
  const scene = { ...given, rounds: Math.min(given.rounds, 3) };
  const rows: string[][] = [];
  for (const mode of ["down", "up"] as const) {
    for (const flows of [1, 4]) {
      rows.push(await bulkOver(scene, contenders, { mode, flows, goal: aim(mode, flows, roundTripMs) }, roundTripMs));
    }
  }
  printTable(`bulk at a round trip of ${roundTripMs} ms, one session`, head, rows);
  await small(scene, contenders, roundTripMs);
}

async function small(scene: Scene, contenders: readonly Contender[], roundTripMs: number): Promise<void> {
  const looks = { ...scene, contenders, requests: 300, lanes: 20 };
  // A new connection waits for the server's consent, and then for its byte.
  const goals = {
    standing: `p99 at most ${roundTripMs + 10} ms`,
    fresh: `p99 at most ${2 * roundTripMs + 10} ms`,
  };
  const rows: string[][] = [];
  const bulkRows: string[][] = [];
  for (const beside of ["nothing", "a download"] as const) {
    const [theirs, ours] = await fairness({ ...looks, beside, rounds: beside === "nothing" ? 1 : scene.rounds });
    if (theirs === undefined || ours === undefined) continue;
    rows.push(...waitRows(beside, theirs, ours, goals));
    if (beside !== "nothing") bulkRows.push(bulkRow(beside, theirs, ours));
  }
  printTable(`300 1-byte requests, 20 at a time, at a round trip of ${roundTripMs} ms, ms`, waitHead, rows);
  printTable("the bulk flow meanwhile", bulkHead, bulkRows);
}

interface Load {
  readonly mode: "down" | "up";
  readonly flows: number;
  readonly goal: string;
}

async function bulkOver(
  scene: Scene,
  contenders: readonly Contender[],
  { mode, flows, goal }: Load,
  roundTripMs: number,
): Promise<string[]> {
  const mebibytes = Math.min(480, Math.round((2 * upWindows * flows * 50) / roundTripMs));
  const [theirs, ours] = await compare(scene, contenders, ({ places: { source, sink } }) =>
    mode === "down"
      ? measure<Moved>("downFor", source, downSeconds, flows)
      : measure<Moved>("up", sink, mebibytes, flows),
  );
  if (theirs === undefined || ours === undefined) return [];
  const rates = [median(theirs.rates), median(ours.rates)] as const;
  const name = `${mode}, ${flows} ${flows === 1 ? "flow" : "flows"}`;
  const cells = [rates[0].toFixed(1), rates[1].toFixed(1), times(rates[1] / rates[0]), goal];
  return [name, ...cells, perGib(theirs), perGib(ours)];
}

function aim(mode: "down" | "up", flows: number, roundTripMs: number): string {
  if (mode === "up") return "at least 1.0x";
  if (flows > 1) return "at least 2x";
  return roundTripMs >= 150 ? "at least 10x" : "at least 5x";
}
