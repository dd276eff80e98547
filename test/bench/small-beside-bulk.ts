/** Small requests, each on a connection of its own, beside a bulk download: ssh has one session, porthop one or two. */
import { type FaultyRelay, faultyRelay } from "../kit/faulty-relay.ts";
import { type Sshd, startSshd } from "../kit/sshd.ts";
import { porthopContender, type Reached, type Services, sshContender, withTunnels } from "./contenders.ts";
import { keep, measureRequests } from "./measure.ts";
import { printTable } from "./table.ts";

const requests = 300;

export async function smallBesideBulk(program: string): Promise<void> {
  await using sshd = await startSshd();
  const served = await keep("serve");
  const services = served.line as unknown as Services;
  // The speed counts for each connection: on a line that both sessions share they would share its queue too.
  for (const [line, bytesPerSecond] of [
    ["loopback", undefined],
    ["a line of 20 MB/s for each connection", 20_000_000],
  ] as const) {
    await using relay = await faultyRelay(sshd, bytesPerSecond === undefined ? {} : { bytesPerSecond });
    await compare(program, bytesPerSecond === undefined ? sshd : through(relay, sshd), services, line);
  }
  await served.stop();
}

function through(relay: FaultyRelay, sshd: Sshd): Reached {
  const { user, keyFile, knownHostsFile } = sshd;
  return { ...relay.login(sshd), user, keyFile, knownHostsFile };
}

async function compare(program: string, sshd: Reached, services: Services, line: string): Promise<void> {
  // Behind a relay the host key is known by sshd's own name.
  const alias = sshd.sshArgs.filter((word) => word.startsWith("HostKeyAlias=")).flatMap((word) => ["-o", word]);
  const contenders = [
    sshContender("ssh, one session", sshd),
    porthopContender("porthop, one session", [program], sshd, alias),
    porthopContender("porthop --sessions 2", [program], sshd, [...alias, "--sessions", "2"]),
  ];
  const rows: string[][] = [];
  let theirs = Number.NaN;
  for (const contender of contenders) {
    await withTunnels([contender], services, async ([tunnel]) => {
      if (tunnel === undefined) return;
      const idle = await measureRequests(tunnel.places.echo, requests);
      const bulk = await keep("pull", tunnel.places.source);
      const { p50, p99 } = await measureRequests(tunnel.places.echo, requests);
      await bulk.stop();
      if (rows.length === 0) theirs = p99;
      rows.push([contender.name, ...[idle.p99, p50, p99].map((ms) => ms.toFixed(1)), `${(p99 / theirs).toFixed(2)}x`]);
    });
  }
  const title = `${requests} small requests beside a bulk download over ${line}, ms`;
  printTable(
    title,
    ["program", "p99 alone", "median beside bulk", "p99 beside bulk", "p99 / ssh's (at most 0.2x)"],
    rows,
  );
}
