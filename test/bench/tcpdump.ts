/**
 * Three legs in a file: porthop with a capture, against what a person would do without it, ssh with one tcpdump on the
 * ports of all three connections. Speed, the processor time of all programs that take part, and the frames that are lost.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { findTool } from "../kit/packages.ts";
import { projectRoot } from "../kit/runtime.ts";
import { beside, moving, nothingTaken } from "./bulk.ts";
import { type Contender, porthopContender, sshContender, start, type Taken, type Tunnel } from "./contenders.ts";
import { countFrames } from "./lost-frames.ts";
import { cpuOf, median, perGib } from "./measure.ts";
import type { Scene } from "./scene.ts";
import { printTable } from "./table.ts";

/** A capture is written to its end when no processor time was used for so long. */
const calmMs = 300;

export async function tcpdump(scene: Scene): Promise<void> {
  const tool = findTool("tcpdump");
  if (tool === undefined || process.getuid?.() !== 0) {
    console.log("tcpdump is not installed, or may not capture: only root may\n");
    return;
  }
  // The temporary folder may be in memory, the folder of the build is not.
  const disk = join(projectRoot, "dist");
  mkdirSync(disk, { recursive: true });
  const places = [disk, "/dev/shm"].filter((path) => existsSync(path));
  for (const place of places) {
    const folder = mkdtempSync(join(place, "bench-"));
    try {
      for (const mode of ["down", "up"] as const) await against(scene, tool, folder, mode);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
}

interface Caught {
  readonly taken: Taken;
  lost: number;
  /** With those that are lost. */
  frames: number;
}

async function against(scene: Scene, tool: string, folder: string, mode: "down" | "up"): Promise<void> {
  const sums: readonly [Caught, Caught] = [
    { taken: nothingTaken(), lost: 0, frames: 0 },
    { taken: nothingTaken(), lost: 0, frames: 0 },
  ];
  // The first round is thrown away.
  for (let round = 0; round <= scene.rounds; round++) {
    const file = join(folder, "capture");
    const rounds = [
      await withTcpdump(scene, tool, `${file}.pcap`, mode),
      await withCapture(scene, `${file}.pcapng`, mode),
    ];
    for (const [index, one] of rounds.entries()) {
      const sum = sums[index];
      if (round === 0 || sum === undefined) continue;
      sum.taken.rates.push(scene.mebibytes / one.seconds);
      sum.taken.mebibytes += scene.mebibytes;
      sum.taken.cpuSeconds += one.cpuSeconds;
      sum.lost += one.lost;
      sum.frames += one.frames;
    }
  }
  const [theirs, ours] = sums;
  const cells = ({ taken, lost, frames }: Caught) => [
    median(taken.rates).toFixed(0),
    perGib(taken),
    `${lost} of ${frames}`,
  ];
  const rows = [
    ["ssh with tcpdump", ...cells(theirs), ...beside(ours.taken, theirs.taken), "at least 1.0x, none lost"],
    ["porthop --capture", ...cells(ours), "", "", ""],
  ];
  const head = ["programs", "MiB/s", "CPU s/GiB", "frames lost", "porthop / it", "CPU / its", "aim"];
  const where = folder.startsWith("/dev/shm") ? "memory" : "a disk";
  printTable(`bulk ${mode}, ${scene.mebibytes} MiB, three legs captured into ${where}`, head, rows);
}

interface Once {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly lost: number;
  readonly frames: number;
}

async function withTcpdump(scene: Scene, tool: string, file: string, mode: "down" | "up"): Promise<Once> {
  const { sshd, services } = scene;
  return withTunnel(sshContender("ssh", sshd), scene, async (tunnel) => {
    const service = mode === "down" ? "source" : "sink";
    const ports = [tunnel.places[service], String(sshd.port), String(services[service])];
    const filter = ports.map((port) => `tcp port ${port}`).join(" or ");
    // Without -Z it would become a user who may not write here.
    const child = spawn(tool, ["-i", "lo", "-Z", "root", "-w", file, filter], { stdio: ["ignore", "ignore", "pipe"] });
    const said = await listening(child);
    const pids = [tunnel.pid, child.pid ?? 0];
    const moved = await moveAndSettle(scene, tunnel, pids, mode);
    const ended = once(child, "close");
    child.kill("SIGINT");
    await ended;
    rmSync(file);
    const count = (what: string) => Number(new RegExp(`(\\d+) packets? ${what}`).exec(said())?.[1] ?? Number.NaN);
    return { ...moved, lost: count("dropped by kernel"), frames: count("received by filter") };
  });
}

async function withCapture(scene: Scene, file: string, mode: "down" | "up"): Promise<Once> {
  const { program, sshd } = scene;
  const moved = await withTunnel(porthopContender("porthop", [program], sshd, ["--capture", file]), scene, (tunnel) =>
    moveAndSettle(scene, tunnel, [tunnel.pid], mode),
  );
  const counts = countFrames(file);
  rmSync(file);
  return { ...moved, ...counts };
}

async function withTunnel<T>(contender: Contender, scene: Scene, work: (tunnel: Tunnel) => Promise<T>): Promise<T> {
  const tunnel = await start(contender, scene.services);
  try {
    return await work(tunnel);
  } finally {
    await tunnel.stop();
  }
}

async function moveAndSettle(scene: Scene, tunnel: Tunnel, pids: readonly number[], mode: "down" | "up") {
  const used = () => pids.reduce((sum, pid) => sum + cpuOf(pid), 0);
  const before = used();
  const { seconds } = await moving(mode, scene.mebibytes)(tunnel);
  for (let last = Number.NaN; last !== used(); ) {
    last = used();
    await new Promise((resolve) => setTimeout(resolve, calmMs));
  }
  return { seconds, cpuSeconds: used() - before };
}

/** Resolves when tcpdump captures, with what returns all that it has said. */
async function listening(child: ChildProcess): Promise<() => string> {
  let text = "";
  await new Promise<void>((resolve, reject) => {
    child.stderr?.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes("listening on")) resolve();
    });
    child.on("close", () => reject(new Error(`tcpdump says: ${text}`)));
  });
  return () => text;
}
