/** Bulk speed on loopback: ssh with its default cipher and with AES-GCM, porthop, and porthop with a capture. */
import { rmSync } from "node:fs";
import { porthopContender, sshContender, type Taken } from "./contenders.ts";
import { measure, median, perGib } from "./measure.ts";
import type { Moved } from "./peer-bulk.ts";
import { compare, rivals, type Scene } from "./scene.ts";
import { printTable, times } from "./table.ts";

const aims = ["at least 1.5x", "at least 1.0x", ""];
const head = ["program", "MiB/s", "CPU s/GiB", "porthop / it", "CPU / its", "aim"];

export async function bulk(scene: Scene): Promise<void> {
  const [ssh, porthop] = rivals(scene);
  const gcm = sshContender("ssh -c aes128-gcm@openssh.com", scene.sshd, ["-c", "aes128-gcm@openssh.com"]);
  const contenders = [ssh, gcm, porthop];
  for (const mode of ["down", "up"] as const) {
    const taken = await compare(scene, contenders, moving(mode, scene.mebibytes));
    const rows = taken.map((its, index) => cells(contenders[index]?.name ?? "", its, taken[2] ?? its, aims[index]));
    printTable(`bulk ${mode}, ${scene.mebibytes} MiB`, head, rows);
    const [without, captured] = await withCapture(scene, mode);
    printTable(
      `bulk ${mode} with a capture, ${scene.mebibytes} MiB`,
      [...head.slice(0, 3), "capture / it", ...head.slice(4)],
      [cells("porthop", without, captured, "at least 0.6x"), cells("porthop --capture", captured, captured)],
    );
  }
}

export function moving(mode: "down" | "up", mebibytes: number, flows = 1) {
  return ({ places }: { readonly places: { readonly source: string; readonly sink: string } }) =>
    measure<Moved>(mode, mode === "down" ? places.source : places.sink, mebibytes, flows);
}

/** Each round starts new tunnels and a new capture, so that memory for the file is there in every round. */
async function withCapture(scene: Scene, mode: "down" | "up"): Promise<readonly [Taken, Taken]> {
  const { program, sshd, captureFile, mebibytes } = scene;
  const [, porthop] = rivals(scene);
  const capturing = porthopContender("porthop", [program], sshd, ["--capture", captureFile]);
  const [without, captured] = [nothingTaken(), nothingTaken()];
  for (let round = 0; round < scene.rounds; round++) {
    const taken = await compare({ ...scene, rounds: 1 }, [porthop, capturing], moving(mode, mebibytes));
    add(without, taken[0]);
    add(captured, taken[1]);
    rmSync(captureFile, { force: true });
  }
  return [without, captured];
}

export function nothingTaken(): Taken {
  return { seconds: [], rates: [], mebibytes: 0, cpuSeconds: 0 };
}

function add(sum: Taken, one: Taken | undefined): void {
  if (one === undefined) return;
  sum.seconds.push(...one.seconds);
  sum.rates.push(...one.rates);
  sum.mebibytes += one.mebibytes;
  sum.cpuSeconds += one.cpuSeconds;
}

/** A line of a contender, and how `ours` is beside it. */
function cells(name: string, its: Taken, ours: Taken, goal = ""): string[] {
  return [...ownCells(name, its), ...(its === ours ? ["", ""] : beside(ours, its)), goal];
}

export function ownCells(name: string, its: Taken): string[] {
  return [name, median(its.rates).toFixed(0), perGib(its)];
}

/** Speed and processor time of one by those of the other. */
export function beside(one: Taken, other: Taken): string[] {
  const cpu = one.cpuSeconds / one.mebibytes / (other.cpuSeconds / other.mebibytes);
  return [times(median(one.rates) / median(other.rates)), times(cpu)];
}
