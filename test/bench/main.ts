/**
 * The benchmark: prints tables of ratios that are measured side by side in one run. Only an error makes the benchmark
 * fail, because a slow machine has slow figures but equal ratios. Arguments pick sections: README.md has them.
 */
import { existsSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { builtExecutable } from "../kit/executable.ts";
import { need } from "../kit/packages.ts";
import { startSshd } from "../kit/sshd.ts";
import { tempDirectory } from "../kit/temp.ts";
import { builds } from "./builds.ts";
import { bulk } from "./bulk.ts";
import { chatter } from "./chatter.ts";
import { configReading } from "./config-reading.ts";
import { connects, trips } from "./connects.ts";
import { startServices } from "./contenders.ts";
import { idle, many, stall } from "./crowd.ts";
import { fair } from "./fair.ts";
import { kinds } from "./kinds.ts";
import { long } from "./long.ts";
import { untilReady } from "./ready.ts";
import type { Scene } from "./scene.ts";
import { sessions } from "./sessions.ts";
import { startUp } from "./start-up.ts";
import { tcpdump } from "./tcpdump.ts";

const missing = need("sshd", "ssh", "ssh-agent", "ssh-add");
if (missing !== false) throw new Error(`the benchmark needs ${missing}`);
const setting = (name: string) => process.env[`PORTHOP_BENCH_${name}`];
const program = setting("PROGRAM") ?? builtExecutable();
const rounds = Number(setting("ROUNDS") ?? 5);
const sshd = await startSshd({ config: ["MaxStartups 1000:30:2000"] });
const { services, stop } = await startServices();
const folder = existsSync("/dev/shm") ? "/dev/shm" : tempDirectory("bench");
const captureFile = join(folder, `porthop-bench-${process.pid}.pcapng`);
const scene: Scene = { program, sshd, services, rounds, mebibytes: Number(setting("MIB") ?? 192), captureFile };
const roundTripsMs = (setting("ROUND_TRIPS") ?? "50,150").split(",").map(Number);
const other = setting("OTHER");

const sections: Readonly<Record<string, () => unknown>> = {
  bulk: () => bulk(scene),
  trips: () => trips(scene),
  connects: () => connects(scene),
  fair: async () => {
    await fair(scene);
    await chatter(scene);
  },
  long: () => long(scene, roundTripsMs),
  sessions: () => sessions(scene),
  tcpdump: () => tcpdump(scene),
  kinds: () => kinds(scene),
  many: () => many(scene),
  idle: () => idle(scene, Number(setting("IDLE") ?? 1000)),
  stall: () => stall(scene, Number(setting("STALL_SECONDS") ?? 60)),
  start: () => startUp(program, Math.max(20, rounds)),
  ready: () => untilReady(program, sshd, Math.max(20, rounds)),
  builds: () => (other === undefined ? undefined : builds({ ...scene, other })),
  config: () => configReading(Math.max(20, rounds)),
};
/** Parts of the above that are run alone when they are named. */
const parts: typeof sections = { chatter: () => chatter(scene) };
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in sections || name in parts));
if (unknown.length > 0) {
  throw new Error(`no section ${unknown.join(", ")}: ${Object.keys({ ...sections, ...parts }).join(", ")}`);
}

console.log(`${cpus().length} cores (${cpus()[0]?.model}), ${rounds} rounds, medians; the sshd is this machine's\n`);
for (const [name, run] of Object.entries(wanted.length === 0 ? sections : { ...sections, ...parts })) {
  if (wanted.length === 0 || wanted.includes(name)) await run();
}
await stop();
await sshd.stop();
process.exit(0);
