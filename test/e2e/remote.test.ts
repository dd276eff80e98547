/** -R through the executable and a real sshd: bytes whole both ways, and each way of ending told on the other side. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { payloadOf, tshark } from "../kit/capture.ts";
import { builtExecutable } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { randomChunks, sumOf } from "../kit/random.ts";
import { echoServer, freePort, httpServer, lateAnswerServer, sinkServer, sourceServer } from "../kit/servers.ts";
import { startSshd } from "../kit/sshd.ts";
import { connectTo, echoes, type PlayedTarget, playTarget, type TcpEnd } from "../kit/tcp-end.ts";
import { assertCarriesBulk } from "./carriage.ts";
import { untilClosed } from "./closed-port.ts";
import { openRemote, openRemoteSpecs } from "./remote-tunnel.ts";
import { lostForGood } from "./tunnel.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen", "tshark"), timeout: 60_000 };
const theSshd = shared(() => startSshd());
const bytes = 20_000_000;

for (const runtime of ["compiled", "deno"] as const) {
  test(`On ${runtime} -R carries 20 MB up and 20 MB down at a time, with equal hashes.`, limits, async () => {
    await using source = await sourceServer({ bytes, seed: 1 });
    await using sink = await sinkServer();
    await using tunnel = await openRemote(await theSshd(), [source, sink], { runtime });
    await assertCarriesBulk(tunnel, sink, { bytes, seeds: [1, 2], endsLate: runtime === "deno" });
    const closed = await tunnel.program.event("flow.close", ({ flow }) => flow === "R2#1");
    assert.deepEqual([closed.up, closed.down, closed.reason], [bytes, 0, "ended"]);
    assert.equal((await tunnel.stop()).code, 0);
  });
}

test("A half-close goes either way, and a late answer comes back whole.", limits, async () => {
  await using late = await lateAnswerServer();
  await using target = await playTarget();
  await using tunnel = await openRemote(await theSshd(), [late, target]);
  await using asking = await tunnel.connect(0);
  await asking.send(randomChunks(1_000_000, 3));
  asking.end();
  const { sha256 } = await sumOf(randomChunks(1_000_000, 3));
  assert.equal((await asking.received).ended, true);
  assert.equal(asking.text, `1000000 ${sha256}\n`);
  // And the other way round: the target has said all, and hears on.
  await using telling = await tunnel.connect(1);
  const end = await target.accepted();
  end.end();
  assert.equal((await telling.received).ended, true);
  await telling.send(randomChunks(1_000_000, 4));
  telling.end();
  assert.deepEqual(await end.received, { ...(await sumOf(randomChunks(1_000_000, 4))), ended: true });
});

test("The port that the server chose is told in words and in events, and closed at the stop.", limits, async () => {
  await using echo = await echoServer();
  // One address: on a second one, the chosen number may be somebody else's.
  await using sshd = await startSshd({ config: ["AddressFamily inet"] });
  await using tunnel = await openRemoteSpecs(sshd, [`0:127.0.0.1:${echo.port}`]);
  const listening = await tunnel.program.event("listening");
  const port = tunnel.port();
  assert.ok(port > 0);
  assert.deepEqual(
    [listening["kind"], listening["listen"], listening["addresses"], listening["side"]],
    ["remote", `localhost:${port}`, [], "server"],
  );
  await tunnel.program.stderr(
    new RegExp(`^R1 -> 127.0.0.1:${echo.port}: the server listens on port ${port}; on which of its addresses `, "m"),
  );
  assert.equal(await echoes(port), true);
  await using client = await tunnel.connect();
  await client.send("still here ");
  await client.got(11);
  tunnel.program.signal("SIGTERM");
  await untilClosed(port);
  await client.send("to the end");
  client.end();
  assert.equal((await client.received).ended, true);
  assert.equal(client.text, "still here to the end");
  assert.equal((await tunnel.program.exit).code, 0);
});

test(
  "The legs of a flow are in their places, in events and in a capture that tshark finds no fault with.",
  limits,
  async () => {
    await using source = await sourceServer({ bytes: 300_000, seed: 5 });
    const args = ["--capture", "out.pcapng"];
    await using tunnel = await openRemote(await theSshd(), [source], { args });
    await using client = await tunnel.connect();
    await client.send(randomChunks(200_000, 6));
    client.end();
    await client.received;
    const { legs } = (await tunnel.program.event("flow.open")) as unknown as { legs: Record<string, unknown>[] };
    assert.deepEqual([legs[0]?.["from"], legs[0]?.["to"], legs[0]?.["observed"]], [client.address, client.peer, false]);
    assert.deepEqual([legs[2]?.["to"], legs[2]?.["observed"]], [`127.0.0.1:${source.port}`, true]);
    await tunnel.program.event("flow.close");
    assert.equal((await tunnel.stop()).code, 0);
    const capture = `${tunnel.program.home}/out.pcapng`;
    const faults = await tshark(capture, ["--disable-protocol", "ssh", "-Y", "tcp.analysis.flags"]);
    assert.deepEqual([faults.code, faults.stderr, faults.lines], [0, "", []]);
    const [up, down] = [await sumOf(randomChunks(200_000, 6)), await sumOf(randomChunks(300_000, 5))];
    const names = await tshark(capture, [
      "-Y",
      "tcp.flags == 0x002",
      "-T",
      "fields",
      "-e",
      "frame.interface_name",
      "-e",
      "frame.comment",
    ]);
    const flows = names.lines.filter((line) => line.includes("flow=R1#1"));
    assert.deepEqual(
      flows.map((line) => line.split("\t")[1]),
      [1, 3].map((leg) => `porthop flow=R1#1 leg=${leg} forward=R1 target=127.0.0.1:${source.port} session=S1`),
    );
    for (const name of flows.map((line) => line.split("\t")[0] ?? "")) {
      assert.deepEqual(
        await Promise.all([payloadOf(capture, name, "up"), payloadOf(capture, name, "down")]),
        [up, down],
        name,
      );
    }
  },
);

test("A target that refuses closes the client on the server's side, and is told as leg 3's.", limits, async () => {
  const port = await freePort();
  await using tunnel = await openRemote(await theSshd(), [{ host: "127.0.0.1", port }]);
  await using client = await tunnel.connect();
  assert.equal((await client.received).bytes, 0);
  const closed = await tunnel.program.event("flow.close");
  assert.equal(closed.reason, "refused");
  const error = await tunnel.program.event("error");
  assert.deepEqual([error.code, error["leg"]], ["target.refused", 3]);
  await (await theSshd()).logged(/channel \d+: open failed: connect failed: Connection refused/);
});

test("A target that breaks off breaks the flow, and its client is not left hanging.", limits, async () => {
  await using target = await playTarget();
  await using tunnel = await openRemote(await theSshd(), [target]);
  await using client = await tunnel.connect();
  const end = await greeted(client, target);
  end.reset();
  await client.received;
  const { reason, error } = (await tunnel.program.event("flow.close")) as { reason?: string; error?: { leg?: number } };
  assert.deepEqual([reason, error?.leg], ["aborted", 3]);
});

test(
  "A client that breaks off is no more than an end for SSH: the target hears it, and the flow closes.",
  limits,
  async () => {
    await using target = await playTarget();
    await using tunnel = await openRemote(await theSshd(), [target]);
    await using client = await tunnel.connect();
    const end = await greeted(client, target);
    client.reset();
    await end.received;
    end.end();
    await tunnel.program.event("flow.close");
  },
);

test("An sshd that dies in mid transfer resets the target, never ends it.", limits, async () => {
  await using sshd = await startSshd();
  await using target = await playTarget();
  await using tunnel = await openRemote(sshd, [target], { args: lostForGood });
  await using client = await tunnel.connect();
  const sending = client.send(randomChunks(200_000_000, 7));
  const end = await target.accepted();
  await end.got(1_000_000);
  await sshd.kill();
  assert.equal((await end.received).ended, false, "a reset and no clean end");
  await sending;
  const exit = await tunnel.program.exit;
  assert.equal(exit.code, 255);
  const closed = (await tunnel.program.event("flow.close")) as { reason?: string; error?: { code?: string } };
  assert.deepEqual([closed.reason, closed.error?.code], ["aborted", "ssh.lost"]);
});

test("Two -R at a time, and an -L beside them, each lead to their own target.", limits, async () => {
  await using first = await httpServer("the first\n");
  await using second = await httpServer("the second\n");
  await using echo = await echoServer();
  const here = await freePort();
  const args = ["-L", `${here}:127.0.0.1:${echo.port}`];
  await using tunnel = await openRemote(await theSshd(), [first, second], { args });
  const pages = await Promise.all(
    [0, 1].map(async (index) => (await fetch(`http://127.0.0.1:${tunnel.port(index)}/`)).text()),
  );
  assert.deepEqual(pages, ["the first\n", "the second\n"]);
  assert.equal(await echoes(here), true);
});

test("A bind address is heeded, by IPv4 and by IPv6, also twice on one port.", limits, async () => {
  await using four = await httpServer("four\n");
  await using six = await httpServer("six\n", { host: "::1" });
  const port = await freePort();
  await using tunnel = await openRemoteSpecs(await theSshd(), [
    `127.0.0.1:${port}:127.0.0.1:${four.port}`,
    `[::1]:${port}:[::1]:${six.port}`,
  ]);
  assert.deepEqual([tunnel.addresses(0), tunnel.addresses(1)], [[`127.0.0.1:${port}`], [`[::1]:${port}`]]);
  assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), "four\n");
  assert.equal(await (await fetch(`http://[::1]:${port}/`)).text(), "six\n");
});

test("200 connections at the same time each get their own bytes back.", limits, async () => {
  await using echo = await echoServer();
  await using tunnel = await openRemote(await theSshd(), [echo]);
  const clients = await Promise.all(Array.from({ length: 200 }, () => connectTo(tunnel.port())));
  await Promise.all(
    clients.map(async (client, index) => {
      await client.send(randomChunks(10_000, index));
      await client.got(10_000);
    }),
  );
  for (const client of clients) client.end();
  const received = await Promise.all(clients.map((client) => client.received));
  const expected = await Promise.all(clients.map((_, index) => sumOf(randomChunks(10_000, index))));
  assert.deepEqual(
    received.map(({ sha256 }) => sha256),
    expected.map(({ sha256 }) => sha256),
  );
});

/** The target's end of the client's flow, once bytes have come there. */
async function greeted(client: TcpEnd, target: PlayedTarget): Promise<TcpEnd> {
  await client.send("hello");
  const end = await target.accepted();
  await end.got(5);
  return end;
}
