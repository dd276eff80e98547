/** How long it takes until a server that is frozen, and a path that swallows all packets, are noticed. */
import { type FaultyRelay, faultyRelay } from "../kit/faulty-relay.ts";
import { send } from "../kit/processes.ts";
import { echoServer, freePort } from "../kit/servers.ts";
import { type Sshd, startSshd } from "../kit/sshd.ts";
import { connectTo } from "../kit/tcp-end.ts";
import { Standing } from "./standing.ts";
import { printTable } from "./table.ts";

/** As ssh counts: it is over at interval x (count + 1). */
const alive = ["-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=3"];

export async function deadPeers(program: string): Promise<void> {
  const rows: string[][] = [];
  for (const [what, kill] of [
    ["the server is frozen (SIGSTOP)", (sshd: Sshd) => send(sshd.sessionPids(), "SIGSTOP")],
    ["the path swallows all packets", (_sshd: Sshd, relay: FaultyRelay) => relay.swallow()],
  ] as const) {
    const seconds: string[] = [];
    for (const [who, words] of [
      [undefined, alive],
      [program, alive],
      [program, []],
    ] as const) {
      seconds.push(await noticedAfter(who, words, kill));
    }
    rows.push([what, ...seconds]);
  }
  printTable("seconds until it is noticed; 1 s x 3 is ServerAliveInterval x ServerAliveCountMax", head, rows);
}

const head = ["what", "ssh, 1 s x 3", "porthop, 1 s x 3", "porthop, its default"];

async function noticedAfter(
  program: string | undefined,
  words: readonly string[],
  kill: (sshd: Sshd, relay: FaultyRelay) => void,
): Promise<string> {
  await using sshd = await startSshd();
  await using relay = await faultyRelay(sshd);
  await using target = await echoServer();
  const port = await freePort();
  const forwards = ["-L", `127.0.0.1:${port}:127.0.0.1:${target.port}`];
  await using standing = await Standing.start(program, { login: relay.login(sshd), forwards, words, port });
  await using client = await connectTo(port);
  await client.send("x");
  await client.got(1);
  const start = performance.now();
  kill(sshd, relay);
  await standing.untilLost(1);
  return ((performance.now() - start) / 1000).toFixed(1);
}
