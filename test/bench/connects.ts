/** Small things on loopback one after the other: round trips and new connections, beside a bare relay of this runtime. */
import { floorContender, type Taken } from "./contenders.ts";
import { measure, median } from "./measure.ts";
import { compare, rivals, type Scene } from "./scene.ts";
import { printTable, times } from "./table.ts";

const head = ["CPU us each", "porthop / it", "porthop's CPU / its", "aim"];

export async function trips(scene: Scene): Promise<void> {
  const count = 3000;
  const contenders = [...rivals(scene), floorContender()];
  const taken = await compare(scene, contenders, ({ places }) => measure("trips", places.echo, count));
  const ours = taken[1];
  const rows = contenders.map(({ name }, index) => {
    const its = taken[index];
    const us = (median(its?.seconds ?? []) / count) * 1e6;
    const faster = median(ours?.seconds ?? []) / median(its?.seconds ?? []);
    return [name, us.toFixed(0), ...compared(its, ours, count, faster), index === 0 ? "at most 1.2x" : ""];
  });
  printTable("1-byte round trip", ["program", "us", ...head], rows);
}

export async function connects(scene: Scene): Promise<void> {
  const count = 1000;
  const contenders = [...rivals(scene), floorContender()];
  for (const width of [1, 20]) {
    const taken = await compare(scene, contenders, ({ places }) => measure("connects", places.echo, count, width));
    const ours = taken[1];
    const rows = contenders.map(({ name }, index) => {
      const its = taken[index];
      const rate = count / median(its?.seconds ?? []);
      const faster = median(its?.seconds ?? []) / median(ours?.seconds ?? []);
      return [name, rate.toFixed(0), ...compared(its, ours, count, faster), index === 0 ? "at least 1.0x" : ""];
    });
    printTable(`new connections, ${width} at a time`, ["program", "a second", ...head], rows);
  }
}

function compared(its: Taken | undefined, ours: Taken | undefined, count: number, faster: number): string[] {
  if (its === undefined || ours === undefined) return [];
  const each = (its.cpuSeconds / its.seconds.length / count) * 1e6;
  const ratios = its === ours ? ["", ""] : [times(faster), times(ours.cpuSeconds / its.cpuSeconds)];
  return [each.toFixed(0), ...ratios];
}
