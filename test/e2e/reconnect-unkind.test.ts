/** Servers and machines that make it hard to come back: they say nothing, drop everybody, or have no file left. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { faultyRelay } from "../kit/faulty-relay.ts";
import { hostileSsh, type Peer } from "../kit/hostile-ssh.ts";
import { launch } from "../kit/launch.ts";
import { need } from "../kit/packages.ts";
import { Porthop, type PorthopEvent, porthop } from "../kit/porthop.ts";
import { rawServer } from "../kit/raw-server.ts";
import { echoServer, freePort } from "../kit/servers.ts";
import { startSshServer } from "../kit/ssh-server.ts";
import { startSshd } from "../kit/sshd.ts";
import { connectTo } from "../kit/tcp-end.ts";
import { Waiting } from "../kit/waiting.ts";
import { notLinux, openFiles } from "./resident.ts";
import { openTunnel } from "./tunnel.ts";

builtExecutable();
const limits = { timeout: 60_000 };
const target = { host: "target.example", port: 80 };

function waits({ events }: Porthop): number[] {
  return events.filter(({ event }) => event === "reconnect").map(({ inMs }) => Number(inMs));
}

function wait(program: Porthop, attempt: number): Promise<PorthopEvent> {
  return program.event("reconnect", (event) => event["attempt"] === attempt);
}

test("A server that takes connections and says nothing, or greets only, is asked again in 15 s.", limits, async () => {
  await Promise.all(
    ["", "SSH-2.0-OpenSSH_9.2p1\r\n"].map(async (words) => {
      await using server = await rawServer((socket) => socket.write(words));
      const forward = ["-L", `${await freePort()}:127.0.0.1:9`, "--reconnect", "always"];
      const login = ["-F", "none", "-o", "ConnectTimeout=1", "-p", String(server.port)];
      await using program = porthop(["run", "--json", ...forward, ...login, server.host]);
      const second = await wait(program, 3);
      assert.match(String(second.reason), /no answer within 1 s/);
      assert.equal(second["inMs"], 15_000);
      assert.equal(server.accepted, 2);
      program.signal("SIGTERM");
      assert.equal((await program.exit).code, 0);
    }),
  );
});

test(
  "A server that drops each session at once is asked less and less often, and never in a storm.",
  limits,
  async () => {
    let sessions = 0;
    await using server = await hostileSsh({
      ready(peer) {
        sessions += 1;
        // The first one may stand until the forwards are up.
        if (sessions > 1) peer.socket.destroy();
        else first = peer;
      },
    });
    let first: Peer | undefined;
    await using tunnel = await openTunnel(server, [target]);
    const { program } = tunnel;
    first?.socket.destroy();
    // Each wait is known by its event, and ended by a wish of the user's.
    for (let count = 1; !waits(program).some((inMs) => inMs > 22_000); count++) {
      assert.ok(count < 40, waits(program).join(" "));
      await program.event("reconnect", () => waits(program).length === count);
      program.signal("SIGUSR1");
    }
    assert.ok(waits(program).every((inMs) => inMs <= 30_000));
    const tries = program.events.filter(({ state }) => state === "connecting").length;
    assert.ok(tries <= waits(program).length + 1);
    assert.ok(sessions <= tries);
  },
);

test(
  "A new connection cuts a long wait short, and a try begins a second after the one before it.",
  limits,
  async () => {
    await using server = await startSshServer();
    await using relay = await faultyRelay(server);
    await using tunnel = await openTunnel(relay.login(server), [target]);
    const { program } = tunnel;
    await relay.refuse();
    relay.cut();
    for (let attempt = 1; Number((await wait(program, attempt))["inMs"]) < 10_000; attempt++) program.signal("SIGUSR1");
    const tries = () => program.events.filter(({ state }) => state === "connecting");
    const before = tries().length;
    const next = program.nextEvent("session", ({ state }) => state === "connecting");
    await using _client = await tunnel.connect();
    await next;
    const [last = 0, hurried = 0] = tries()
      .slice(before - 1)
      .map(({ time }) => Date.parse(time));
    // The clock of the events counts whole milliseconds.
    assert.ok(hurried - last >= 998, `${hurried - last} ms`);
    assert.ok(hurried - last < 7000, `${hurried - last} ms`);
  },
);

test("Connections that a server never answers go over to the next session, and through.", limits, async () => {
  await using echo = await echoServer();
  const asked = new Waiting();
  let answers = false;
  let open = 0;
  await using server = await startSshServer({
    forward: () => {
      open += 1;
      asked.change();
      return answers ? "dial" : "hang";
    },
  });
  await using tunnel = await openTunnel(server, [echo]);
  const clients = await Promise.all(Array.from({ length: 30 }, () => tunnel.connect()));
  for (const client of clients) await client.send("hello");
  await asked.until("30 dials", () => (open === 30 ? true : undefined));
  answers = true;
  server.drop();
  for (const client of clients) await client.got(5);
  assert.equal(open, 60);
  for (const client of clients) client.end();
  for (const client of clients) assert.equal((await client.received).ended, true);
  assert.equal((await tunnel.stop()).code, 0);
});

// nc notices the end of its connection when it has something to send.
for (const [what, words] of [
  ["a connection of its own", []],
  ["a ProxyCommand", ["-o", "ProxyCommand=nc %h %p", "-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=30"]],
] as const) {
  test(`Where clients have taken all files meanwhile, ${what} still leads back.`, {
    ...limits,
    skip: notLinux || need("sshd", "ssh-keygen", "nc"),
  }, async () => {
    await using sshd = await startSshd();
    await using echo = await echoServer();
    const port = await freePort();
    const forward = ["--json", "-L", `127.0.0.1:${port}:127.0.0.1:${echo.port}`];
    const launched = launch(["run", ...forward, ...words, ...sshd.sshArgs, sshd.host]);
    const command = ["sh", "-c", 'ulimit -n 40; exec "$@"', "sh", ...launched.command];
    await using program = new Porthop({ ...launched, command }, {});
    await program.event("ready");
    await sshd.kill();
    await program.event("reconnect");
    const clients = await Promise.all(Array.from({ length: 80 }, () => connectTo(port)));
    for (const client of clients) await client.send("hello");
    await program.stderr(/too many open files/);
    assert.ok(openFiles(program.pid) <= 40);
    await sshd.start();
    // Each that is served makes room for one that waits.
    await Promise.all(
      clients.map(async (client) => {
        await client.got(5);
        client.end();
        assert.equal((await client.received).ended, true);
      }),
    );
    program.signal("SIGTERM");
    assert.equal((await program.exit).code, 0);
  });
}
