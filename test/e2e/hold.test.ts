/**
 * New connections while the session is lost: they wait and then go through, whole and once, or are let go with the
 * reason. Clients that leave meanwhile are forgotten.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { need } from "../kit/packages.ts";
import { send } from "../kit/processes.ts";
import { randomBytes } from "../kit/random.ts";
import { lateAnswerServer } from "../kit/servers.ts";
import { startSshd } from "../kit/sshd.ts";
import type { TcpEnd } from "../kit/tcp-end.ts";
import { tempDirectory } from "../kit/temp.ts";
import { answerTo, marking, outage } from "./outage.ts";
import { openTunnel, type Tunnel } from "./tunnel.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen"), timeout: 90_000 };

test("50 clients that send a megabyte each while sshd is down are all served, whole and once.", limits, async () => {
  await using play = await outage();
  const { tunnel, target } = play;
  const bytes = 1024 * 1024;
  const clients = Array.from({ length: 50 }, async (_, index) => {
    await using client = await tunnel.connect();
    const content = randomBytes(bytes, index + 1);
    await client.send([content]);
    client.end();
    await client.received;
    return client.text === answerTo(content);
  });
  await play.sshd.start();
  assert.deepEqual([...new Set(await Promise.all(clients))], [true]);
  assert.equal(target.accepted, 50);
  const closes = await closed(tunnel, 50);
  assert.deepEqual([...new Set(closes.map(({ reason, up }) => `${reason} ${up}`))], [`ended ${bytes}`]);
});

test("A client that resets while it waits ends its flow, and its target is not dialed.", limits, async () => {
  await using play = await outage(marking());
  const { tunnel, target } = play;
  const leaving = await inTurn(10, () => tunnel.connect());
  const staying = await inTurn(5, () => tunnel.connect());
  for (const client of leaving) await client.send([randomBytes(10_000)]);
  // One that leaves before it was accepted is not seen at all.
  await tunnel.program.stderr(/dialing L1#15$/m);
  for (const client of leaving) client.reset();
  const left = await closed(tunnel, 10);
  assert.deepEqual([...new Set(left.map(({ reason, by }) => `${reason} ${by}`))], ["aborted origin"]);
  await play.sshd.start();
  for (const client of staying) await served(client, "hello");
  assert.equal(target.accepted, 5);
  assert.equal(tunnel.program.events.filter(({ event }) => event === "error").length, 0);
});

test("A client that said nothing and ended its half is carried, as by ssh.", limits, async () => {
  await using play = await outage(marking());
  const client = await play.tunnel.connect();
  client.end();
  await play.tunnel.program.stderr(/dialing L1#1$/m);
  await play.sshd.start();
  assert.ok((await client.received).ended);
  assert.equal(client.text, answerTo(""));
});

test("1,000 wait at most: the next one is reset at once, and a place that is left is free.", limits, async () => {
  await using play = await outage();
  const { tunnel } = play;
  const clients = await inTurn(1000, () => tunnel.connect());
  assert.equal(await endsWell(tunnel), false);
  const refused = await tunnel.program.event("flow.close");
  assert.equal(refused.reason, "refused");
  assert.match(JSON.stringify(refused["error"]), /ssh\.unreachable.*1000 connections wait for the session already/);
  clients.splice(0, 1)[0]?.reset();
  await closed(tunnel, 2);
  clients.push(await tunnel.connect());
  await play.sshd.start();
  await Promise.all(clients.map((client) => served(client, "hello")));
  assert.equal(play.target.accepted, 1000);
  assert.equal((await closed(tunnel, 1002)).filter(({ reason }) => reason === "refused").length, 1);
});

test(
  "Those that waited in vain are reset: the first with the reason, the others with their number.",
  limits,
  async () => {
    await using play = await outage(["--hold", "1s"]);
    const { tunnel } = play;
    const clients = await inTurn(100, () => tunnel.connect());
    for (const client of clients) assert.equal((await client.received).ended, false);
    const closes = await closed(tunnel, 100);
    assert.deepEqual([...new Set(closes.map(({ reason }) => reason))], ["refused"]);
    const { stderr } = await tunnel.stop();
    assert.match(stderr, /L1#1: no session came back within 1s: .* \[ssh\.unreachable\]/);
    const said = stderr.split("\n").filter((line) => line.includes("no session came back within 1s"));
    assert.ok(said.length <= 20, stderr);
    const numbers = said.map((line) => Number(/(\d+) more connections? w/.exec(line)?.[1] ?? 1));
    assert.equal(
      numbers.reduce((sum, number) => sum + number, 0),
      100,
      stderr,
    );
    assert.equal(play.target.accepted, 0);
  },
);

test("With --hold 0 whoever comes while no session stands is reset at once.", limits, async () => {
  await using play = await outage(["--hold", "0"]);
  assert.equal(await endsWell(play.tunnel), false);
  const [{ ms = 1e9, error } = {}] = (await closed(play.tunnel, 1)) as { ms?: number; error?: { message: string } }[];
  assert.ok(ms < 20_000);
  assert.match(error?.message ?? "", /^no session came back: /);
});

test("Ctrl-C in an outage ends porthop at once, with those that wait.", limits, async () => {
  await using play = await outage(["--grace", "1h"]);
  const clients = await inTurn(20, () => play.tunnel.connect());
  for (const client of clients) await client.send("hello");
  play.tunnel.program.signal("SIGINT");
  for (const client of clients) assert.equal((await client.received).ended, false);
  const { code, stderr } = await play.tunnel.program.exit;
  assert.equal(code, 130);
  assert.doesNotMatch(stderr, /more connection/);
});

test("A plugin that ends a flow that waits lets its client go, and its target is not dialed.", limits, async () => {
  const cut = join(tempDirectory("plugin"), "cut.ts");
  const source = `export default { name: "cut", setup: () => async (flow, next) => {
    const over = next();
    if (flow.id === "L1#1") setTimeout(() => flow.abort("enough"), 1);
    await over;
  } };`;
  writeFileSync(cut, source);
  await using play = await outage(["--use", cut]);
  const [first, second] = await inTurn(2, () => play.tunnel.connect());
  assert.ok(first !== undefined && second !== undefined);
  assert.equal((await first.received).ended, false);
  const [close] = await closed(play.tunnel, 1);
  assert.deepEqual([close?.flow, close?.reason, close?.["by"]], ["L1#1", "aborted", "plugin:cut"]);
  await play.sshd.start();
  await served(second, "hello");
  assert.equal(play.target.accepted, 1);
});

test("A dial that a dying session did not answer goes to the next session.", limits, async () => {
  await using sshd = await startSshd();
  await using target = await lateAnswerServer();
  await using tunnel = await openTunnel(sshd, [target], { args: marking() });
  send(sshd.sessionPids(), "SIGSTOP");
  const client = await tunnel.connect();
  await client.send("hel");
  await tunnel.program.stderr(/dialing L1#1/);
  await sshd.kill();
  await sshd.start();
  await client.send("lo");
  await served(client, "");
  assert.equal(client.text, answerTo("hello"));
  assert.equal(target.accepted, 1);
});

/** The client sends this and its end, and is answered by the target. */
async function served(client: TcpEnd, content: string): Promise<void> {
  await client.send(content);
  client.end();
  const { ended } = await client.received;
  assert.ok(ended, "it was answered and ended");
  if (content !== "") assert.equal(client.text, answerTo(content));
}

/** The first so many ends of flows. */
async function closed({ program }: Tunnel, count: number) {
  const find = () => program.events.filter(({ event }) => event === "flow.close");
  while (find().length < count) await program.nextEvent("flow.close");
  return find().slice(0, count);
}

/** One after the other, because a listener's queue is short. */
async function inTurn<T>(count: number, make: () => Promise<T>): Promise<T[]> {
  const made: T[] = [];
  while (made.length < count) made.push(await make());
  return made;
}

/** Whether a new connection ends in good order. Its reset may be there before connect() has returned. */
function endsWell(tunnel: Tunnel): Promise<boolean> {
  return tunnel.connect().then(
    async (client) => (await client.received).ended,
    (error: NodeJS.ErrnoException) => error.code !== "ECONNRESET",
  );
}
