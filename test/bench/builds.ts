/**
 * Two builds of porthop side by side, to see what a change has cost: bulk speed with and without a capture, round trips, new
 * connections, memory, and the time until it is ready.
 */
import { spawnSync } from "node:child_process";
import type { Sshd } from "../kit/sshd.ts";
import {
  alternating,
  type Contender,
  porthopContender,
  type Services,
  type Tunnel,
  withTunnels,
} from "./contenders.ts";
import { keep, measure, median, memoryOf } from "./measure.ts";

export interface Builds {
  readonly program: string;
  readonly other: string;
  readonly sshd: Sshd;
  readonly services: Services;
  readonly captureFile: string;
  readonly rounds: number;
  readonly mebibytes: number;
}

export async function builds(given: Builds): Promise<void> {
  const { program, other, sshd, captureFile, mebibytes } = given;
  const plain = [program, other].map((path) => porthopContender("porthop", [path], sshd));
  const capturing = [program, other].map((path, index) =>
    porthopContender("porthop", [path], sshd, ["--capture", `${captureFile}.${index}.pcapng`]),
  );
  console.log("this build / the other one; more than 1 is slower, or larger");
  const timed = (
    name: string,
    contenders: readonly Contender[],
    once: (tunnel: Tunnel) => Promise<{ seconds: number }>,
  ) => compare(given, name, contenders, once);
  await timed("bulk down", plain, ({ places }) => measure("down", places.source, mebibytes));
  await timed("bulk up", plain, ({ places }) => measure("up", places.sink, mebibytes));
  await timed("bulk down, captured", capturing, ({ places }) => measure("down", places.source, mebibytes));
  await timed("bulk up, captured", capturing, ({ places }) => measure("up", places.sink, mebibytes));
  await timed("1-byte round trips", plain, ({ places }) => measure("trips", places.echo, 3000));
  await timed("new connections, one at a time", plain, ({ places }) => measure("connects", places.echo, 1000, 1));
  await timed("new connections, 20 at a time", plain, ({ places }) => measure("connects", places.echo, 1000, 20));
  await memory(given, plain);
  startUp(given);
  console.log();
}

async function compare(
  { services, rounds }: Builds,
  name: string,
  contenders: readonly Contender[],
  once: (tunnel: Tunnel) => Promise<{ seconds: number }>,
): Promise<void> {
  const [ours = [], theirs = []] = await withTunnels(contenders, services, (tunnels) =>
    alternating(tunnels, rounds, once),
  );
  ratio(name, median(ours) / median(theirs));
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
