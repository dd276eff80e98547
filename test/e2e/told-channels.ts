/** Provocations of every failure of a channel, of a listener on the server and of a jump host. */
import assert from "node:assert/strict";
import { text, uint32 } from "../kit/hostile-ssh.ts";
import { rawServer } from "../kit/raw-server.ts";
import { freePort, resetServer } from "../kit/servers.ts";
import { startSshServer } from "../kit/ssh-server.ts";
import { type SshdOptions, startSshd } from "../kit/sshd.ts";
import { connectTo } from "../kit/tcp-end.ts";
import { runToEnd } from "./failure.ts";
import { jumpWay } from "./jump-way.ts";
import { openRemote } from "./remote-tunnel.ts";
import { failing, type Provocation, refusing, refusingAt } from "./told.ts";

const anywhere = { host: "target.example", port: 80 };

export const channels: Readonly<Record<string, Provocation>> = {
  "a server that forbids forwarding": () => throughSshd({ config: ["AllowTcpForwarding no"] }, anywhere),
  "a target that refuses": async () => throughSshd({}, { host: "127.0.0.1", port: await freePort() }),
  "a target without an address": () => throughSshd({}, { host: "no-such-host.invalid", port: 80 }),
  "a target out of reach": () => throughSshd({}, { host: "255.255.255.255", port: 80 }),
  "a unix socket that is not there": async () => {
    await using sshd = await startSshd();
    const forward = ["-L", `${await freePort()}:/no/such.sock`];
    const { stdout } = await runToEnd(["check", ...forward, ...sshd.sshArgs, sshd.host]);
    return stdout.slice(stdout.indexOf("\nno "));
  },
  "reasons of RFC 4254": async () => {
    const told: string[] = [];
    for (const refuse of [3, 4] as const) {
      await using server = await startSshServer({ forward: () => ({ refuse, text: "no" }) });
      told.push(await refusing(server, anywhere));
    }
    return told.join("\n");
  },
  "a reason of its own": () => refusingAt({ open: (peer) => peer.send(92, uint32(0), uint32(77), text(""), text("")) }),
  "a channel with more than was allowed": () =>
    refusingAt({
      open(peer, accept) {
        const { id } = accept();
        for (let sent = 0; sent < 1000; sent++) peer.send(94, id, text("x".repeat(32_000)));
      },
    }),
};

export const listeners: Readonly<Record<string, Provocation>> = {
  "a port that the server does not open": async () => {
    await using sshd = await startSshd({ config: ["PermitListen none", "AllowStreamLocalForwarding no"] });
    const told: string[] = [];
    for (const listen of ["8080", "0", "80", "/tmp/porthop-told.sock"]) {
      const to = listen === "0" ? "0:localhost:1" : `${listen}:localhost:1`;
      told.push((await runToEnd(["run", "-R", to, ...sshd.sshArgs, sshd.host])).stderr);
    }
    return told.join("\n");
  },
};

export const legs: Readonly<Record<string, Provocation>> = {
  "a target here that resets": async () => {
    await using target = await resetServer(5);
    await using sshd = await startSshd();
    await using tunnel = await openRemote(sshd, [target]);
    await using client = await connectTo(tunnel.port());
    await client.send("hello");
    const { message, hint } = await tunnel.program.event("error");
    return `${message}\n${hint}`;
  },
};

export const jumps: Readonly<Record<string, Provocation>> = {
  "a jump host that is not there": async () => failing("-J", `127.0.0.1:${await freePort()}`, "127.0.0.1"),
  "one that does not forward": () => jumping([{ config: ["AllowTcpForwarding no"] }]),
  "one that cannot resolve the name": () => jumping([], "no-such-host.invalid"),
  "a host behind one that closes at once": async () => {
    await using closer = await rawServer((socket) => void socket.end());
    const told = await jumping([], closer.host, closer.port);
    assert.match(told, new RegExp(`:${closer.port} closed the connection before its SSH greeting`));
    return told;
  },
  "one that finds nobody": async () => jumping([], "127.0.0.1", await freePort()),
};

async function throughSshd(options: SshdOptions, target: { host: string; port: number }): Promise<string> {
  await using sshd = await startSshd(options);
  return await refusing(sshd, target);
}

async function jumping(options: readonly SshdOptions[], host?: string, port?: number): Promise<string> {
  await using way = await jumpWay(2, options);
  const to = port === undefined ? [] : ["-p", String(port)];
  return await failing(...to, ...way.sshArgs, host ?? way.host);
}
