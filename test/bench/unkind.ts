/**
 * The long form of the unkind peers: `npm run bench:unkind -- [seed] [section ...]`. The loads of test/e2e run for
 * minutes through `ssh -N` and through porthop, side by side. Sections: clients, floods, readers. Only an error makes
 * the benchmark fail: a person looks whether a figure that should be zero is zero. PORTHOP_BENCH_ROUNDS is the number
 * of loads of 500 clients each (5 by default).
 */
import { noMounts, startDropbear } from "../kit/dropbear.ts";
import { errandServer } from "../kit/errands.ts";
import { builtExecutable } from "../kit/executable.ts";
import { floodingServer, questions } from "../kit/flooding-server.ts";
import { need } from "../kit/packages.ts";
import { flood, rawServer } from "../kit/raw-server.ts";
import { startSshServer } from "../kit/ssh-server.ts";
import { startSshd } from "../kit/sshd.ts";
import { connectTo } from "../kit/tcp-end.ts";
import { unkindClients } from "../kit/unkind-clients.ts";
import { everyManner, type Mix } from "../kit/unkind-script.ts";
import { type Login, Rival, type RivalName, type Way } from "./rival.ts";

const missing = need("sshd", "ssh", "ssh-keygen", "dropbear", "dropbearkey", "unshare", "mount") || noMounts;
if (missing !== false) throw new Error(`this benchmark needs ${missing}`);
const program = builtExecutable();
const [seedWord = String(Math.floor(Math.random() * 1_000_000)), ...wanted] = process.argv.slice(2);
const seed = Number(seedWord);
const wants = (section: string) => wanted.length === 0 || wanted.includes(section);
const rounds = Number(process.env["PORTHOP_BENCH_ROUNDS"] ?? 5);
const rivals: readonly RivalName[] = ["ssh", "porthop"];
const each = 500;

console.log(`seed ${seed}\n`);
if (wants("clients")) await clients();
if (wants("floods")) await floods();
if (wants("readers")) await readers();
process.exit(0);

async function clients(): Promise<void> {
  await using sshd = await startSshd();
  await using dropbear = await startDropbear();
  await using server = await startSshServer({ forward: () => "dial-and-close-without-eof", listen: "close" });
  await using target = await errandServer();
  const anna = { host: server.host, sshArgs: ["-l", "anna", ...server.sshArgs] };
  // dropbear keeps the channels of "is-left" open for ever (test/e2e/unkind-clients.test.ts), and
  // its table of channels would fill.
  const toDropbear: Mix = { ...everyManner, "is-left": 0 };
  const ways: readonly (readonly [name: string, login: Login, flag: Way["flag"], mix: Mix])[] = [
    ["sshd", sshd, "-L", everyManner],
    ["sshd", sshd, "-R", everyManner],
    ["dropbear", dropbear, "-L", toDropbear],
    ["dropbear", dropbear, "-R", { ...toDropbear, leaves: 0, resets: 0 }],
    ["no EOF", anna, "-L", everyManner],
    ["in-process", anna, "-R", everyManner],
  ];
  console.log(
    `${rounds} x ${each} clients; broken: stayed and did not get all; late: sent behind the own CLOSE, where seen`,
  );
  columns("server", "way", "program", "left", "whole", "broken", "lost", "late", "seconds", "MB before", "MB after");
  for (const [name, login, flag, mix] of ways) {
    for (const rival of rivals) {
      const late = server.counts.late.length;
      await using running = await Rival.start(rival, program, login, { flag, target });
      const { cells, after } = await load(running, mix);
      const seen = login === anna ? String(server.counts.late.length - late) : "";
      columns(name, flag, rival, ...cells, seen, ...after);
    }
  }
  console.log();
}

/** Runs all rounds. At the beginning of each round there is a session. */
async function load(running: Rival, mix: Mix) {
  const sum = { left: 0, whole: 0, broken: 0 };
  const before = running.resident;
  const start = performance.now();
  for (let round = 0; round < rounds; round++) {
    const { whole, broken } = await unkindClients(running.port, { seed: seed + round, clients: each, mix });
    sum.left += each - whole - broken.length;
    sum.whole += whole;
    sum.broken += broken.length;
    await running.startAgain();
  }
  const seconds = (performance.now() - start) / 1000;
  return {
    cells: [sum.left, sum.whole, sum.broken, running.lost].map(String),
    after: [seconds.toFixed(1), megabytes(before), megabytes(running.resident)],
  };
}

/** A server asks each question and does not read the answers, for as long as the program bears that. */
async function floods(): Promise<void> {
  const mostMs = 20_000;
  console.log(`a server that asks and does not read, for ${mostMs / 1000} s at most; patience 1 s x 2`);
  columns("question", "program", "seconds", "MB grown", "exit");
  for (const question of questions) {
    for (const rival of rivals) {
      await using server = await floodingServer({ question });
      const settings = ["ServerAliveInterval=1", "ServerAliveCountMax=1", "UserKnownHostsFile=/dev/null"];
      const words = settings.flatMap((setting) => ["-o", setting]);
      const target = { host: "target.example", port: 80 };
      const login = { host: server.host, sshArgs: server.sshArgs };
      // The client that finds the forward up is also the one whose channel begins the flood.
      await using running = await Rival.start(rival, program, login, { flag: "-L", target, words });
      const before = running.resident;
      const start = performance.now();
      let most = before;
      while (running.alive && performance.now() - start < mostMs && most - before < 1e9) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        most = Math.max(most, running.resident || 0);
      }
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      columns(question.name, rival, seconds, megabytes(most - before), String(running.exitCode ?? "lives"));
    }
  }
  console.log();
}

/** The memory for a reader that does not read while its source goes on, measured after a pause. */
async function readers(): Promise<void> {
  await using sshd = await startSshd();
  await using source = await rawServer((socket) => {
    socket.resume();
    flood(socket, Buffer.alloc(65_536, 0x61));
  });
  console.log("readers that stand still for 5 s, after one that read 500 MB");
  columns("readers", "program", "MB each");
  for (const count of [1, 8, 16, 32]) {
    for (const rival of rivals) {
      await using running = await Rival.start(rival, program, sshd, { flag: "-L", target: source });
      const first = await connectTo(running.port);
      await first.gotOrEnded(500_000_000);
      first.reset();
      // The allocator keeps free memory for a while, as on a user's machine.
      await new Promise((resolve) => setTimeout(resolve, 2000));
      const before = running.resident;
      const standing = await Promise.all(Array.from({ length: count }, () => connectTo(running.port)));
      for (const reader of standing) reader.pause();
      await new Promise((resolve) => setTimeout(resolve, 5000));
      columns(String(count), rival, ((running.resident - before) / count / 1e6).toFixed(1));
      for (const reader of standing) reader.reset();
    }
  }
  console.log();
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}

function columns(first: string, ...others: readonly string[]): void {
  console.log(`  ${first.padEnd(others.length > 5 ? 12 : 44)}${others.map((cell) => cell.padStart(10)).join("")}`);
}
