/** The server is away, and many connect meanwhile: how many are served when it is back, and how soon. */
import { playExchange } from "../kit/hashed-client.ts";
import { hashedTarget } from "../kit/hashed-target.ts";
import { freePort } from "../kit/servers.ts";
import { startSshd } from "../kit/sshd.ts";
import { type Contestant, contestants } from "./kill-many.ts";
import { Standing } from "./standing.ts";
import { printTable } from "./table.ts";

export async function holdMany(program: string, awaySeconds: number, clients: number): Promise<void> {
  const rows: string[][] = [];
  for (const contestant of contestants(program)) {
    rows.push([contestant.name, ...(await heldBy(contestant, awaySeconds, clients))]);
  }
  const head = ["program", "served", "refused", "other", "first served, s", "last served, s"];
  printTable(
    `sshd away for ${awaySeconds} s, ${clients} connect in the first second; seconds after it is back`,
    head,
    rows,
  );
}

async function heldBy({ program, words }: Contestant, awaySeconds: number, clients: number): Promise<string[]> {
  await using sshd = await startSshd();
  await using target = await hashedTarget();
  const port = await freePort();
  const forwards = ["-L", `127.0.0.1:${port}:127.0.0.1:${target.port}`];
  await using standing = await Standing.start(program, { login: sshd, forwards, words, port });
  await sshd.kill();
  await standing.untilLost(1);
  const start = performance.now();
  const served: number[] = [];
  const playing = Array.from({ length: clients }, async (_, seed) => {
    await new Promise((resolve) => setTimeout(resolve, (seed / clients) * 1000));
    const { outcome } = await playExchange({ port }, { up: 10_000 + seed, down: 20_000 - seed, seed });
    if (outcome === "whole") served.push(performance.now());
    return outcome;
  });
  await new Promise((resolve) => setTimeout(resolve, awaySeconds * 1000 - (performance.now() - start)));
  const back = performance.now();
  await sshd.start();
  const outcomes = await Promise.all(playing);
  const refused = outcomes.filter((outcome) => outcome === "refused").length;
  const seconds = (at: number | undefined) => (at === undefined ? "" : ((at - back) / 1000).toFixed(2));
  const counts = [served.length, refused, clients - served.length - refused].map(String);
  return [...counts, seconds(served[0]), seconds(served.at(-1))];
}
