/**
 * The benchmark: prints tables of ratios that are measured side by side in one run. Only an error makes the benchmark
 * fail, because a slow machine has slow figures but equal ratios. Arguments pick sections: bulk, trips, connects,
 * kinds, many, idle, stall, start, ready, builds, config.
 */
import { existsSync, rmSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { builtExecutable } from "../kit/executable.ts";
import { need } from "../kit/packages.ts";
import { startSshd } from "../kit/sshd.ts";
import { tempDirectory } from "../kit/temp.ts";
import { builds } from "./builds.ts";
import { configReading } from "./config-reading.ts";
import {
  alternating,
  type Contender,
  porthopContender,
  type Services,
  sshContender,
  start,
  type Tunnel,
  withTunnels,
} from "./contenders.ts";
import { cpuOf, keep, measure, median, memoryOf } from "./measure.ts";
import { untilReady } from "./ready.ts";
import { startUp } from "./start-up.ts";

const missing = need("sshd", "ssh", "ssh-agent", "ssh-add");
if (missing !== false) throw new Error(`the benchmark needs ${missing}`);
const program = builtExecutable();
const wanted = process.argv.slice(2);
const wants = (section: string) => wanted.length === 0 || wanted.includes(section);
const rounds = Number(process.env["PORTHOP_BENCH_ROUNDS"] ?? 5);
const bulkMebibytes = Number(process.env["PORTHOP_BENCH_MIB"] ?? 192);
const stallSeconds = Number(process.env["PORTHOP_BENCH_STALL_SECONDS"] ?? 60);

const sshd = await startSshd({ config: ["MaxStartups 1000:30:2000"] });
const target = await keep("serve");
const services = target.line as unknown as Services;
// Captures go into memory, so that no disk is measured.
const folder = existsSync("/dev/shm") ? "/dev/shm" : tempDirectory("bench");
const captureFile = join(folder, `porthop-bench-${process.pid}.pcapng`);
const ssh = sshContender("ssh", sshd);
const sshGcm = sshContender("ssh aes128-gcm", sshd, ["-c", "aes128-gcm@openssh.com"]);
const plain = porthopContender("porthop", [program], sshd);
const capturing = porthopContender("porthop capture", [program], sshd, ["--capture", captureFile]);

console.log(`${cpus().length} cores (${cpus()[0]?.model}), ${rounds} rounds, medians; the sshd is this machine's\n`);
if (wants("bulk")) await bulk();
if (wants("trips")) await trips();
if (wants("connects")) await connects();
if (wants("kinds")) await kinds();
if (wants("many")) await many();
if (wants("idle")) await idle();
if (wants("stall")) await stall();
if (wants("start")) await startUp(program, Math.max(20, rounds));
if (wants("ready")) await untilReady(program, sshd, Math.max(20, rounds));
// Another build of porthop, to see what a change has cost: PORTHOP_BENCH_OTHER is the path of its executable.
const other = process.env["PORTHOP_BENCH_OTHER"];
if (other !== undefined && wants("builds")) {
  await builds({ program, other, sshd, services, captureFile, rounds, mebibytes: bulkMebibytes });
}
if (wants("config")) configReading(Math.max(20, rounds));
rmSync(captureFile, { force: true });
await target.stop();
await sshd.stop();
process.exit(0);

/** Starts a tunnel of each contender for the time of `work`. */
function together<T>(contenders: readonly Contender[], work: (tunnels: readonly Tunnel[]) => Promise<T>): Promise<T> {
  return withTunnels(contenders, services, work);
}

/** The seconds of all rounds for each tunnel. */
function alternate(
  tunnels: readonly Tunnel[],
  once: (tunnel: Tunnel) => Promise<{ seconds: number }>,
): Promise<number[][]> {
  return alternating(tunnels, rounds, once);
}

async function bulk(): Promise<void> {
  for (const [mode, service] of [
    ["down", "source"],
    ["up", "sink"],
  ] as const) {
    const rates = await together([ssh, sshGcm, plain], async (tunnels) => {
      const taken = await alternate(tunnels, (tunnel) => measure(mode, tunnel.places[service], bulkMebibytes));
      return taken.map((seconds) => bulkMebibytes / median(seconds));
    });
    // Each round starts a new capture, so that memory for the file is there in every round.
    const withCapture: number[] = [];
    const without: number[] = [];
    const cpu = { without: 0, with: 0 };
    for (let round = 0; round < rounds; round++) {
      await together([plain, capturing], async ([bare, caught]) => {
        if (bare === undefined || caught === undefined) return;
        const before = [cpuOf(bare.pid), cpuOf(caught.pid)] as const;
        without.push((await measure(mode, bare.places[service], bulkMebibytes)).seconds);
        withCapture.push((await measure(mode, caught.places[service], bulkMebibytes)).seconds);
        cpu.without += cpuOf(bare.pid) - before[0];
        cpu.with += cpuOf(caught.pid) - before[1];
      });
    }
    const [sshRate = 0, gcmRate = 0, ourRate = 0] = rates;
    console.log(`bulk ${mode}, ${bulkMebibytes} MiB, MiB/s`);
    row("ssh", sshRate.toFixed(0));
    row("ssh -c aes128-gcm@openssh.com", gcmRate.toFixed(0));
    row("porthop", ourRate.toFixed(0));
    ratio("porthop / ssh", ourRate / sshRate, "at least 1.3");
    ratio("porthop / ssh aes128-gcm", ourRate / gcmRate, "at least 0.9");
    ratio("with capture / without", median(without) / median(withCapture), "at least 0.6");
    row("CPU time with capture / without", `${(cpu.with / cpu.without).toFixed(2)}x\n`);
  }
}

async function trips(): Promise<void> {
  const count = 3000;
  const [theirs = 0, ours = 0] = await together([ssh, plain], async (tunnels) => {
    const taken = await alternate(tunnels, (tunnel) => measure("trips", tunnel.places.echo, count));
    return taken.map((seconds) => (median(seconds) / count) * 1e6);
  });
  console.log("1-byte round trip, microseconds");
  row("ssh", theirs.toFixed(0));
  row("porthop", ours.toFixed(0));
  ratio("porthop / ssh", ours / theirs, "at most 1.2");
  console.log();
}

async function connects(): Promise<void> {
  const count = 1000;
  for (const width of [1, 20]) {
    const [theirs = 0, ours = 0] = await together([ssh, plain], async (tunnels) => {
      const taken = await alternate(tunnels, (tunnel) => measure("connects", tunnel.places.echo, count, width));
      return taken.map((seconds) => count / median(seconds));
    });
    console.log(`new connections a second, ${width} at a time`);
    row("ssh", theirs.toFixed(0));
    row("porthop", ours.toFixed(0));
    ratio("porthop / ssh", ours / theirs, "at least 0.8");
    console.log();
  }
}

/** Compares SOCKS and unix sockets with -L, each in a porthop of its own. */
async function kinds(): Promise<void> {
  const ways = ["tcp", "unix", "socks"] as const;
  const tunnels = await Promise.all(ways.map((way) => start(plain, services, way)));
  const compared = (name: string, values: readonly number[], goal: string) => {
    const [tcp = 0] = values;
    console.log(name);
    for (const [index, value] of values.entries()) {
      if (index > 0) ratio(`${ways[index]} / -L`, value / tcp, goal);
      else row("-L", value.toFixed(0));
    }
    console.log();
  };
  for (const [mode, service] of [
    ["down", "source"],
    ["up", "sink"],
  ] as const) {
    const taken = await alternate(tunnels, (tunnel) => measure(mode, tunnel.places[service], bulkMebibytes));
    const rates = taken.map((seconds) => bulkMebibytes / median(seconds));
    compared(`bulk ${mode} by kind of listener, MiB/s`, rates, "at least 0.9");
  }
  const count = 1000;
  const taken = await alternate(tunnels, (tunnel) => measure("connects", tunnel.places.echo, count, 1));
  const each = taken.map((seconds) => (median(seconds) / count) * 1e6);
  compared("a new connection with one byte there and back, microseconds", each, "no goal");
  for (const tunnel of tunnels) await tunnel.stop();
}

async function many(): Promise<void> {
  const [count, talks] = [2000, 10];
  const [theirs = 0, ours = 0] = await together([ssh, plain], async (tunnels) => {
    const taken = await alternate(tunnels, (tunnel) => measure("many", tunnel.places.echo, count, talks));
    return taken.map((seconds) => median(seconds));
  });
  console.log(`${count} flows at once over one session, ${talks} KiB there and back on each, seconds`);
  row("ssh", theirs.toFixed(2));
  row("porthop", ours.toFixed(2));
  ratio("porthop / ssh", ours / theirs, "no goal");
  console.log();
}

async function idle(): Promise<void> {
  const count = 1000;
  const kib = await together([plain], async ([tunnel]) => {
    if (tunnel === undefined) return Number.NaN;
    await measure("connects", tunnel.places.echo, 100, 10);
    const before = memoryOf(tunnel.pid).now;
    const peer = await keep("idle", tunnel.places.echo, count);
    const after = memoryOf(tunnel.pid).now;
    await peer.stop();
    return (after - before) / count;
  });
  console.log(`memory of ${count} idle flows, KiB each`);
  row("porthop", kib.toFixed(1));
  ratio("of the 100 KiB allowed", kib / 100, "under 1");
  console.log();
}

async function stall(): Promise<void> {
  const width = 1;
  const grown = await together([plain], async ([tunnel]) => {
    if (tunnel === undefined) return Number.NaN;
    await measure("down", tunnel.places.source, 64);
    const before = memoryOf(tunnel.pid).now;
    const peer = await keep("stall", tunnel.places.source, width);
    await new Promise((resolve) => setTimeout(resolve, stallSeconds * 1000));
    const after = memoryOf(tunnel.pid);
    await peer.stop();
    return (after.now - before) / 1024;
  });
  console.log(`a reader that stops for ${stallSeconds} s while the source goes on, MiB of growth`);
  row("porthop", grown.toFixed(1));
  console.log();
}

function row(name: string, value: string): void {
  console.log(`  ${name.padEnd(34)} ${value.padStart(8)}`);
}

function ratio(name: string, value: number, goal: string): void {
  console.log(`  ${name.padEnd(34)} ${`${value.toFixed(2)}x`.padStart(8)}  (${goal})`);
}
