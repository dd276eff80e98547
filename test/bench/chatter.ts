/** Many small messages on many flows, to an echo and to a real redis where one is installed. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { findTool } from "../kit/packages.ts";
import { startResident } from "../kit/resident-program.ts";
import { freePort } from "../kit/servers.ts";
import { tempDirectory } from "../kit/temp.ts";
import type { Taken } from "./contenders.ts";
import { measure, median } from "./measure.ts";
import { compare, rivals, type Scene } from "./scene.ts";
import { printTable, times } from "./table.ts";

const head = ["load", "ssh/s", "porthop/s", "porthop / ssh", "ssh CPU us", "porthop CPU us", "aim"];

export async function chatter(scene: Scene): Promise<void> {
  const rows: string[][] = [];
  for (const [name, width, depth] of [
    ["50 connections, one byte at a time", 50, 1],
    ["20 connections, 16 bytes at a time", 20, 16],
  ] as const) {
    const count = 20_000 * depth;
    const taken = await compare(scene, rivals(scene), ({ places }) =>
      measure("chats", places.echo, width, count, depth),
    );
    rows.push(cells(`echo, ${name}`, taken, count));
  }
  rows.push(...(await redis(scene)));
  printTable("many small messages on many flows: messages a second, and the processor time of each", head, rows);
}

async function redis(scene: Scene): Promise<string[][]> {
  const [server, client] = [findTool("redis-server"), findTool("redis-benchmark")];
  if (server === undefined || client === undefined) return [["redis is not installed here"]];
  const port = await freePort();
  const words = ["--bind", "127.0.0.1", "--port", String(port), "--save", "", "--dir", tempDirectory("redis")];
  await using _redis = await startResident(server, words, /Ready to accept connections/);
  const rows: string[][] = [];
  for (const [name, count, flags] of [
    ["redis GET, -c 50", 20_000, ["-c", "50"]],
    ["redis GET, -P 16 -c 20", 160_000, ["-P", "16", "-c", "20"]],
  ] as const) {
    const there = { ...scene, services: { ...scene.services, echo: port } };
    const taken = await compare(there, rivals(scene), async ({ places }) => {
      const all = ["-h", "127.0.0.1", "-p", places.echo, "-t", "get", "-n", String(count), ...flags, "--csv"];
      return { seconds: count / (await requestsPerSecond(client, all)) };
    });
    rows.push(cells(name, taken, count));
  }
  return rows;
}

async function requestsPerSecond(program: string, words: readonly string[]): Promise<number> {
  const child = spawn(program, words, { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  await once(child, "close");
  const rate = Number(/^"GET","([\d.]+)"/m.exec(text)?.[1] ?? Number.NaN);
  if (Number.isNaN(rate)) throw new Error(`${program} says:\n${text}`);
  return rate;
}

function cells(name: string, [theirs, ours]: readonly Taken[], count: number): string[] {
  if (theirs === undefined || ours === undefined) return [name];
  const rates = [theirs, ours].map(({ seconds }) => count / median(seconds));
  const us = [theirs, ours].map(({ seconds, cpuSeconds }) => (cpuSeconds / seconds.length / count) * 1e6);
  const ratio = times((rates[1] ?? 0) / (rates[0] ?? 0));
  return [name, ...rates.map((rate) => rate.toFixed(0)), ratio, ...us.map((each) => each.toFixed(1)), "at least 1.0x"];
}
