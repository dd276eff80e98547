/**
 * Two builds of porthop side by side, to see what a change has cost: bulk speed with and without a capture, round trips, new
 * connections, memory, and the time until it is ready.
 */
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { alternating, type Contender, porthopContender, type Tunnel, withTunnels } from "./contenders.ts";
import { keep, measure, median, memoryOf } from "./measure.ts";
import type { Scene } from "./scene.ts";

export interface Builds extends Scene {
  /** The executable of the other build. */
  readonly other: string;
}

export async function builds(given: Builds): Promise<void> {
  const { program, other, sshd, mebibytes } = given;
  const plain = [program, other].map((path) => porthopContender("porthop", [path], sshd));
  const timed = async (name: string, once: (tunnel: Tunnel) => Promise<{ seconds: number }>) =>
    ratio(name, await ratioOf(given, plain, once));
  console.log("this build / the other one; more than 1 is slower, or larger");
  await timed("bulk down", ({ places }) => measure("down", places.source, mebibytes));
  await timed("bulk up", ({ places }) => measure("up", places.sink, mebibytes));
  await captured(given, "bulk down, captured", ({ places }) => measure("down", places.source, mebibytes));
  await captured(given, "bulk up, captured", ({ places }) => measure("up", places.sink, mebibytes));
  await timed("1-byte round trips", ({ places }) => measure("trips", places.echo, 3000));
  await timed("new connections, one at a time", ({ places }) => measure("connects", places.echo, 1000, 1));
  await timed("new connections, 20 at a time", ({ places }) => measure("connects", places.echo, 1000, 20));
  await memory(given, plain);
  startUp(given);
  console.log();
}

/** Each round begins new captures, because the files stand in memory where possible and must not fill the memory. */
async function captured(
  given: Builds,
  name: string,
  once: (tunnel: Tunnel) => Promise<{ seconds: number }>,
): Promise<void> {
  const { program, other, sshd, captureFile, rounds } = given;
  const files = [`${captureFile}.this.pcapng`, `${captureFile}.other.pcapng`] as const;
  const contenders = [
    porthopContender("porthop", [program], sshd, ["--capture", files[0]]),
    porthopContender("porthop", [other], sshd, ["--capture", files[1]]),
  ];
  const ratios: number[] = [];
  for (let round = 0; round < rounds; round++) {
    ratios.push(await ratioOf({ ...given, rounds: 1 }, contenders, once));
    for (const file of files) rmSync(file, { force: true });
  }
  ratio(name, median(ratios));
}

async function ratioOf(
  { services, rounds }: Builds,
  contenders: readonly Contender[],
  once: (tunnel: Tunnel) => Promise<{ seconds: number }>,
): Promise<number> {
  const [ours, theirs] = await withTunnels(contenders, services, (tunnels) => alternating(tunnels, rounds, once));
  return median(ours?.seconds ?? []) / median(theirs?.seconds ?? []);
}

async function memory({ services }: Builds, contenders: readonly Contender[]): Promise<void> {
  const count = 1000;
  const [ours, theirs] = await withTunnels(contenders, services, async (tunnels) => {
    const kib: number[] = [];
    for (const { pid, places } of tunnels) {
      await measure("connects", places.echo, 100, 10);
      const peer = await keep("idle", places.echo, count);
      kib.push(memoryOf(pid).now);
      await peer.stop();
    }
    return kib;
  });
  ratio(`memory with ${count} idle flows`, (ours ?? Number.NaN) / (theirs ?? Number.NaN));
}

function startUp({ program, other, rounds }: Builds): void {
  const milliseconds = [program, other].map((): number[] => []);
  for (let run = 0; run <= Math.max(20, rounds); run++) {
    for (const [index, path] of [program, other].entries()) {
      const start = performance.now();
      spawnSync(path, ["--version"], { stdio: "ignore" });
      if (run > 0) milliseconds[index]?.push(performance.now() - start);
    }
  }
  const [ours = [], theirs = []] = milliseconds;
  ratio("start-up (--version)", median(ours) / median(theirs));
}

function ratio(name: string, value: number): void {
  console.log(`  ${name.padEnd(34)} ${`${value.toFixed(2)}x`.padStart(8)}`);
}
