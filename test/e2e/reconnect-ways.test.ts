/** A lost session is made again by the way that led to it: jump hosts, a ProxyCommand, a name, a server that turns away. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { noMounts } from "../kit/dropbear.ts";
import { builtExecutable } from "../kit/executable.ts";
import { faultyRelay } from "../kit/faulty-relay.ts";
import { newerOpenSsh } from "../kit/openssh.ts";
import { need } from "../kit/packages.ts";
import type { Porthop } from "../kit/porthop.ts";
import { descendants, gone } from "../kit/processes.ts";
import { echoServer } from "../kit/servers.ts";
import { type Sshd, startSshd } from "../kit/sshd.ts";
import { connectTo, echoes } from "../kit/tcp-end.ts";
import { tempDirectory } from "../kit/temp.ts";
import { jumpWay } from "./jump-way.ts";
import { openTunnel } from "./tunnel.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen", "nc"), timeout: 60_000 };
const newer = newerOpenSsh();

function logins(sshd: Sshd): number {
  return sshd.log().match(/^Accepted publickey/gm)?.length ?? 0;
}

/** Loses sessions, and resolves when the destination's is back: at once, by a wish of the user's. */
async function lose(drop: () => unknown, program: Porthop): Promise<void> {
  const lost = program.nextEvent("reconnect");
  const back = program.nextEvent("session", ({ state, hop }) => state === "ready" && hop === undefined);
  await drop();
  await lost;
  program.signal("SIGUSR1");
  await back;
}

test("A session through jump hosts comes back, and those outside of the lost one are kept.", limits, async () => {
  await using target = await echoServer();
  await using way = await jumpWay(3);
  const [outer, middle = outer] = way.sshds;
  await using tunnel = await openTunnel(way, [target]);
  const { program } = tunnel;
  const seen: (readonly number[])[] = [];
  for (const lost of [way.destination, way.destination, middle, outer]) {
    await lose(() => lost.dropSessions(), program);
    assert.equal(await echoes(tunnel.port), true);
    seen.push(way.sshds.map((sshd) => logins(sshd)));
  }
  assert.deepEqual(seen, [
    [1, 1, 2],
    [1, 1, 3],
    [1, 2, 4],
    [2, 3, 5],
  ]);
  assert.match(
    String((await program.event("reconnect", ({ reason }) => /jump host/.test(String(reason)))).reason),
    /jump/,
  );
});

test(
  "While the destination is away its jump host stands, and is not asked for a login at each try.",
  limits,
  async () => {
    await using target = await echoServer();
    await using way = await jumpWay(2);
    await using tunnel = await openTunnel(way, [target]);
    await way.destination.kill();
    await tunnel.program.event("reconnect", ({ attempt }) => attempt === 3);
    await way.destination.start();
    assert.equal(await echoes(tunnel.port), true);
    assert.equal(logins(way.sshds[0]), 1);
  },
);

test(
  "Each session has a ProxyCommand of its own, and the one before is gone, also one that ignores SIGHUP.",
  limits,
  async () => {
    await using target = await echoServer();
    await using sshd = await startSshd();
    await using relay = await faultyRelay(sshd);
    for (const [command, losses] of [
      ["nc %h %p", 6],
      ["sh -c 'trap \"\" HUP; nc %h %p; exec sleep 1000 <&- >&-'", 1],
    ] as const) {
      const args = ["-o", `ProxyCommand=${command}`];
      await using tunnel = await openTunnel(relay.login(sshd), [target], { args });
      for (let loss = 0; loss < losses; loss++) {
        const before = descendants(tunnel.program.pid);
        assert.ok(before.length === 1 || losses === 1, `${before.length} processes`);
        // A reset ends nc. After a mere end of the connection it waits until it has something to send.
        await lose(() => relay.cut(), tunnel.program);
        await gone(before);
      }
      assert.equal(await echoes(tunnel.port), true);
      const last = descendants(tunnel.program.pid);
      relay.cut();
      assert.equal((await tunnel.stop()).code, 0);
      await gone(last);
    }
  },
);

test("A ProxyCommand that fails is begun again, after longer and longer waits.", limits, async () => {
  await using target = await echoServer();
  await using sshd = await startSshd();
  const switched = join(tempDirectory("switch"), "open");
  writeFileSync(switched, "");
  // nc notices the end of its connection when it has something to send.
  const asking = ["-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=30"];
  const args = [...asking, "-o", `ProxyCommand=sh -c 'test -s ${switched} && exit 3; nc %h %p'`];
  await using tunnel = await openTunnel(sshd, [target], { args });
  writeFileSync(switched, "closed");
  await sshd.dropSessions();
  const { reason } = await tunnel.program.event("reconnect", ({ attempt }) => attempt === 3);
  assert.match(String(reason), /the ProxyCommand ended with code 3/);
  writeFileSync(switched, "");
  assert.equal(await echoes(tunnel.port), true);
});

test("A name that does not resolve during an outage is looked up again, and its new address is found.", {
  timeout: 60_000,
  skip: limits.skip || need("unshare", "mount") || noMounts,
}, async () => {
  await using target = await echoServer();
  await using sshd = await startSshd();
  const folder = tempDirectory("names");
  const [hosts, resolver] = [join(folder, "hosts"), join(folder, "resolv.conf")];
  const write = (line: string) => writeFileSync(hosts, `127.0.0.1 localhost\n${line}\n`);
  // A name that is not in the file is asked for at a port where nobody listens.
  writeFileSync(resolver, "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n");
  write("127.0.0.1 moving.test");
  const mounts = 'mount --bind "$0" /etc/hosts && mount --bind "$1" /etc/resolv.conf && shift && exec "$@"';
  const under = ["unshare", "-m", "sh", "-c", mounts, hosts, resolver];
  const server = {
    host: "moving.test",
    sshArgs: [...sshd.sshArgs, "-o", `HostKeyAlias=[${sshd.host}]:${sshd.port}`],
  };
  await using tunnel = await openTunnel(server, [target], { under });
  write("");
  await sshd.dropSessions();
  const { reason } = await tunnel.program.event("reconnect", ({ attempt }) => attempt === 3);
  assert.equal(reason, "cannot find the host moving.test: the name does not resolve");
  write(`127.0.0.1 moving.test`);
  assert.equal(await echoes(tunnel.port), true);
});

test("A server that turns away at its door is asked again after 15 s from the second time on, and locks nobody out.", {
  timeout: 60_000,
  skip: limits.skip || (newer === undefined && "needs OpenSSH 10"),
}, async () => {
  await using target = await echoServer();
  const config = ["MaxStartups 1:100:1", "PerSourcePenalties yes"];
  await using sshd = await startSshd({ config, ...(newer === undefined ? {} : { openssh: newer }) });
  await using relay = await faultyRelay(sshd);
  // sshd counts a connection for a moment after its end, and after its login.
  await using tunnel = await openTunnel(relay.login(sshd), [target], { args: ["--reconnect", "always"] });
  const { program } = tunnel;
  const idle = await waitingConnection(sshd);
  relay.cut();
  const [first, second] = await Promise.all(
    [2, 3].map((number) => program.event("reconnect", ({ attempt }) => attempt === number)),
  );
  assert.match(String(first?.reason), /Exceeded MaxStartups|Not allowed at this time/);
  assert.ok(Number(first?.["inMs"]) <= 400, JSON.stringify(first));
  assert.equal(second?.["inMs"], 15_000);
  // Who connects meanwhile waits for the end of this wait, or for a wish of the user's.
  const tries = program.events.filter(({ state }) => state === "connecting").length;
  await using client = await connectTo(tunnel.port);
  await client.send("hello");
  const freed = sshd.logged(new RegExp(`Connection (closed|reset) by \\S+ port ${idle.localPort}\\b`));
  idle.destroy();
  await freed;
  assert.equal(program.events.filter(({ state }) => state === "connecting").length, tries);
  for (let attempt = 4, isServed = false; !isServed; attempt++) {
    program.signal("SIGUSR1");
    const dropped = program.event("reconnect", (event) => event["attempt"] === attempt).then(() => false);
    dropped.catch(() => {});
    isServed = await Promise.race([client.got(5).then(() => true), dropped]);
  }
  assert.doesNotMatch(sshd.log(), /penalty: (connections from|drop)/i);
});

/** A connection that sshd has greeted, and that says nothing. */
async function waitingConnection({ host, port }: Sshd): Promise<Socket> {
  for (;;) {
    const socket = createConnection(port, host);
    socket.on("error", () => {});
    const [said] = await once(socket, "data");
    if (String(said).startsWith("SSH-")) return socket;
    socket.destroy();
  }
}
