/** Reconnects without end, as fast as they come: memory, descriptors, threads and processor time must not grow. */
import { readdirSync } from "node:fs";
import { faultyRelay } from "../kit/faulty-relay.ts";
import { hearFirstByte } from "../kit/hashed-client.ts";
import { hashedTarget } from "../kit/hashed-target.ts";
import { freePort } from "../kit/servers.ts";
import { startSshd } from "../kit/sshd.ts";
import { cpuOf, memoryOf } from "./measure.ts";
import { Standing } from "./standing.ts";
import { printTable } from "./table.ts";

/** A little more than the first wait of a back-off, 0.2 s. */
const calmMs = 220;
/** Shares of all reconnects at which the figures are taken. */
const looks = [0, 0.05, 0.25, 0.5, 0.75, 1];

export async function growth(program: string, reconnects: number): Promise<void> {
  await using sshd = await startSshd();
  await using relay = await faultyRelay(sshd);
  await using target = await hashedTarget();
  const [port, remote] = [await freePort(), await freePort()];
  const forwards = [
    ...["-L", `127.0.0.1:${port}:127.0.0.1:${target.port}`],
    ...["-R", `127.0.0.1:${remote}:127.0.0.1:${target.port}`],
  ];
  const words = ["-o", "RekeyLimit=1M"];
  await using standing = await Standing.start(program, { login: relay.login(sshd), forwards, words, port });
  const rows: string[][] = [];
  const start = performance.now();
  let [before, beforeCpu] = [1, cpuOf(standing.pid)];
  for (let count = 1; count <= reconnects + 1; count++) {
    await standing.untilStood(count);
    if (looks.some((look) => Math.round(look * reconnects) === count - 1)) {
      // A flow each time, so that what belongs to flows is there too.
      await hearFirstByte({ port });
      const cpu = cpuOf(standing.pid);
      const each = count === before ? "" : (((cpu - beforeCpu) / (count - before)) * 1000).toFixed(1);
      [before, beforeCpu] = [count, cpu];
      rows.push([String(count - 1), ...figuresOf(standing.pid), each, ((performance.now() - start) / 1000).toFixed(0)]);
    }
    // A session that ends sooner than porthop waited for it lets the waits grow, as for a server that drops everybody.
    await new Promise((resolve) => setTimeout(resolve, calmMs));
    relay.cut();
  }
  printTable(`reconnects, each cut ${calmMs} ms after the session stands (one -L, one -R)`, head, rows);
}

const head = ["reconnects", "RSS, MiB", "descriptors", "threads", "processor ms each", "after s"];

function figuresOf(pid: number): string[] {
  const count = (folder: string) => String(readdirSync(`/proc/${pid}/${folder}`).length);
  return [(memoryOf(pid).now / 1024).toFixed(1), count("fd"), count("task")];
}
