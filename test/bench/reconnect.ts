/**
 * The long form of the reconnects: `npm run bench:reconnect -- [seed] [part ...]`. Parts: kills, hold, growth, dead.
 * Each prints a table, with ssh in a loop beside porthop where that has a figure. Only an error makes it fail: a
 * person looks whether a figure that should be zero is zero. PORTHOP_BENCH_KILLS (100), PORTHOP_BENCH_AWAY_SECONDS (10),
 * PORTHOP_BENCH_WAITING (500) and PORTHOP_BENCH_RECONNECTS (2000) make it shorter.
 */
import { cpus } from "node:os";
import { builtExecutable } from "../kit/executable.ts";
import { need } from "../kit/packages.ts";
import { deadPeers } from "./dead-peers.ts";
import { growth } from "./growth.ts";
import { holdMany } from "./hold-many.ts";
import { killMany } from "./kill-many.ts";

const missing = need("sshd", "ssh", "ssh-keygen");
if (missing !== false) throw new Error(`this benchmark needs ${missing}`);
const program = builtExecutable();
const words = process.argv.slice(2);
const seed = Number(words.find((word) => /^\d+$/.test(word)) ?? Math.floor(Math.random() * 1_000_000));
const parts = words.filter((word) => !/^\d+$/.test(word));
const wants = (part: string) => parts.length === 0 || parts.includes(part);
const setting = (name: string, usual: number) => Number(process.env[`PORTHOP_BENCH_${name}`] ?? usual);

console.log(`seed ${seed}; ${cpus().length} cores (${cpus()[0]?.model}); everything on loopback, one run\n`);
if (wants("kills")) await killMany(program, seed, setting("KILLS", 100));
if (wants("hold")) await holdMany(program, setting("AWAY_SECONDS", 10), setting("WAITING", 500));
if (wants("growth")) await growth(program, setting("RECONNECTS", 2000));
if (wants("dead")) await deadPeers(program);
process.exit(0);
