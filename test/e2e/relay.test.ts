/** `porthop relay`: forwards without ssh, by TCP and by unix sockets on either side, with the same chain and capture. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { payloadOf, tshark } from "../kit/capture.ts";
import { builtExecutable } from "../kit/executable.ts";
import type { LaunchOptions } from "../kit/launch.ts";
import { need } from "../kit/packages.ts";
import { type Porthop, porthop } from "../kit/porthop.ts";
import { gone } from "../kit/processes.ts";
import { freePort } from "../kit/servers.ts";
import { assertCarries, assertHalfCloses, assertTurnedAway } from "./carriage.ts";
import { assertTold, runToEnd } from "./failure.ts";
import { connectAt, freePlace, type Kind, type Place, playAt, spec } from "./place.ts";

builtExecutable();
const missing = need("tshark");
const limits = { timeout: 60_000 };
const kinds: readonly (readonly [Kind, Kind])[] = [
  ["tcp", "tcp"],
  ["tcp", "unix"],
  ["unix", "tcp"],
  ["unix", "unix"],
];

for (const [listen, connect] of kinds) {
  test(`From ${listen} to ${connect} 20 MB go each way at once with equal hashes.`, limits, async () => {
    await using target = await playAt(connect);
    await using relay = await startRelay(listen, target.place);
    await using client = await connectAt(relay.place);
    await assertCarries(client, await target.accepted());
    const closed = await relay.program.event("flow.close");
    assert.deepEqual([closed.up, closed.down, closed.reason], [20_000_000, 20_000_000, "ended"]);
  });

  test(`From ${listen} to ${connect} each half ends on its own.`, limits, async () => {
    await using target = await playAt(connect);
    await using relay = await startRelay(listen, target.place);
    await using asking = await connectAt(relay.place);
    await assertHalfCloses(asking, await target.accepted(0));
    await using asked = await connectAt(relay.place);
    await assertHalfCloses(await target.accepted(1), asked);
  });

  test(
    `From ${listen} to ${connect} where nobody listens: refused, the error names leg 3, the relay goes on.`,
    limits,
    async () => {
      const target = await freePlace(connect);
      await using relay = await startRelay(listen, target);
      await assertTurnedAway(relay.place);
      const error = await relay.program.event("error");
      const code = connect === "tcp" ? "target.refused" : "target.unreachable";
      assert.deepEqual([error.code, error["leg"]], [code, 3]);
      assert.match(String(error.message), /from here/);
      const closed = await relay.program.event("flow.close");
      assert.equal(closed.reason, "refused");
      assert.equal((await relay.stop()).code, 0);
    },
  );
}

test("A detour by way of a privileged port: from a high one to it, and from it to a high one.", {
  ...limits,
  skip: process.getuid?.() !== 0 && "needs root for a port below 1024",
}, async () => {
  await using target = await playAt("tcp");
  const high = await freePlace("tcp");
  // One that services seldom have, on an address that nobody else uses.
  const low: Place = { host: "127.0.0.23", port: 1023 };
  const args = ["-L", `${spec(low)}:${spec(target.place)}`, "-L", `${spec(high)}:${spec(low)}`];
  await using program = porthop(["relay", "--json", ...args]);
  await program.event("ready");
  await using client = await connectAt(high);
  await assertHalfCloses(client, await target.accepted());
  const closed = () => program.events.filter(({ event }) => event === "flow.close");
  await program.event("flow.close", () => closed().length === 2);
  const [flow, other] = closed();
  assert.deepEqual([flow?.up, flow?.down, flow?.reason], [other?.up, other?.down, "ended"]);
});

for (const listen of ["tcp", "unix"] as const) {
  test(`A target that resets breaks a ${listen} client's connection, and never ends it cleanly.`, limits, async () => {
    await using target = await playAt("tcp");
    await using relay = await startRelay(listen, target.place);
    await using client = await connectAt(relay.place);
    await client.send("hello");
    const far = await target.accepted();
    await far.got(5);
    far.reset();
    const { ended } = await client.received;
    // A unix socket has no RST: its end is all that its peer sees.
    if (listen === "tcp") assert.equal(ended, false);
    const closed = await relay.program.event("flow.close");
    assert.deepEqual([closed.reason, (closed["error"] as { leg: number }).leg], ["aborted", 3]);
  });
}

test("A client that resets breaks the target's connection.", limits, async () => {
  await using target = await playAt("tcp");
  await using relay = await startRelay("tcp", target.place);
  await using client = await connectAt(relay.place);
  await client.send("hello");
  const far = await target.accepted();
  await far.got(5);
  client.reset();
  assert.equal((await far.received).ended, false);
  const closed = await relay.program.event("flow.close");
  assert.deepEqual([closed.reason, (closed["error"] as { leg: number }).leg], ["aborted", 1]);
});

test("The events are those of a tunnel without a session: listening, ready, flows, exit.", limits, async () => {
  await using target = await playAt("tcp");
  await using relay = await startRelay("tcp", target.place);
  await using client = await connectAt(relay.place);
  await assertHalfCloses(client, await target.accepted());
  await relay.program.event("flow.close");
  await relay.stop();
  const { events } = relay.program;
  assert.deepEqual(
    events.map(({ event }) => event),
    ["listening", "ready", "flow.open", "flow.close", "exit"],
  );
  const [listening, , opened] = events;
  assert.deepEqual(
    [listening?.forward, listening?.["kind"], listening?.["connect"], listening?.["side"]],
    ["L1", "relay", spec(target.place), "here"],
  );
  const legs = opened?.["legs"] as readonly { from?: string; to?: string; observed: boolean }[];
  assert.deepEqual([legs[0]?.observed, legs[1]?.observed, legs[2]?.observed], [true, false, true]);
  assert.deepEqual([legs[0]?.from, legs[2]?.to], [client.address, spec(target.place)]);
});

for (const runtime of ["compiled", "bun", "deno"] as const) {
  test(`On ${runtime} a capture of unix and TCP relays opens in tshark without a complaint and is true.`, {
    ...limits,
    skip: missing,
  }, async () => {
    await using unixTarget = await playAt("unix");
    await using tcpTarget = await playAt("tcp");
    const [tcp, unix] = [await freePlace("tcp"), await freePlace("unix")];
    const args = ["-L", `${spec(tcp)}:${spec(unixTarget.place)}`, "-L", `${spec(unix)}:${spec(tcpTarget.place)}`];
    await using program = porthop(["relay", "--json", "--capture", "out.pcapng", ...args], { runtime });
    await program.event("ready");
    for (const [place, target] of [
      [tcp, unixTarget],
      [unix, tcpTarget],
    ] as const) {
      await using client = await connectAt(place);
      await assertHalfCloses(client, await target.accepted());
    }
    await program.event("flow.close", ({ forward }) => forward === "L2");
    program.signal("SIGTERM");
    assert.equal((await program.exit).code, 0);
    const file = join(program.home, "out.pcapng");
    const opened = await tshark(file, ["-q", "-z", "expert,warn"]);
    assert.deepEqual([opened.code, opened.stderr, opened.stdout.trim()], [0, "", ""]);
    const named = await tshark(file, ["-T", "fields", "-e", "frame.interface_name"]);
    assert.deepEqual([...new Set(named.lines)].sort(), ["leg1-app-listener", "leg3-sshd-target"]);
    for (const leg of ["leg1-app-listener", "leg3-sshd-target"]) {
      assert.equal((await payloadOf(file, leg, "up")).bytes, 2 * "a question".length);
      assert.equal((await payloadOf(file, leg, "down")).bytes, 2 * "a late answer".length);
    }
    const comments = await tshark(file, ["-Y", "tcp.flags==2", "-T", "fields", "-e", "frame.comment"]);
    assert.equal(comments.lines.length, 4);
    const toUnix = comments.lines.find((line) => line.includes("flow=L1#1 leg=3"));
    assert.ok(toUnix?.includes(`to=made-up for ${spec(unixTarget.place)}`), toUnix);
  });
}

test("The chain is run's: a rate limit slows a relay.", limits, async () => {
  await using target = await playAt("tcp");
  await using relay = await startRelay("tcp", target.place, ["--rate-limit", "50KB/s"]);
  await using client = await connectAt(relay.place);
  await client.send([new Uint8Array(30_000)]);
  client.end();
  const far = await target.accepted();
  assert.equal((await far.received).bytes, 30_000);
  far.end();
  const closed = await relay.program.event("flow.close");
  // 50 KB/s let a first burst pass, and not all of it.
  assert.ok(Number(closed["ms"]) > 100, `it took ${closed["ms"]} ms`);
});

test("What belongs to ssh is a usage error that says so, and so is a host.", limits, async () => {
  const port = await freePort();
  const forward = ["-L", `${port}:localhost:80`];
  for (const [args, says] of [
    [[...forward, "-p", "22"], "-p 22: a relay has no ssh session"],
    [[...forward, "-D", "1080"], "-D 1080: a relay has no ssh session"],
    [[...forward, "-o", "User=x"], "-o User: a relay has no ssh session"],
    [[...forward, "alice@server"], "alice@server is one word too many"],
    [[], "nothing to relay: -L is missing"],
  ] as const) {
    const exit = await runToEnd(["relay", ...args]);
    assertTold(exit, { exit: 2, code: "usage", says: [says] });
  }
});

test("Its help has examples first and none of ssh's flags that need a session.", limits, async () => {
  const { code, stdout } = await runToEnd(["relay", "--help"]);
  assert.equal(code, 0);
  assert.match(stdout, /porthop relay -L 8080:intranet:80/);
  assert.match(stdout, /--allow-from <CIDR/);
  assert.doesNotMatch(stdout, /sshd|-p <|-i </);
});

test("With -f it goes to the background, and SIGTERM ends it there and takes its socket away.", limits, async () => {
  await using target = await playAt("tcp");
  const place = await freePlace("unix");
  await using program = porthop(["relay", "-f", "-L", `${spec(place)}:${spec(target.place)}`]);
  const { code, stderr } = await program.exit;
  assert.equal(code, 0, stderr);
  const pid = Number(/in the background as pid (\d+)/.exec(stderr)?.[1]);
  await using client = await connectAt(place);
  await assertHalfCloses(client, await target.accepted());
  process.kill(pid, "SIGTERM");
  await gone([pid]);
  assert.equal(existsSync(spec(place)), false);
});

interface Relay extends AsyncDisposable {
  readonly program: Porthop;
  readonly place: Place;
  stop(): Porthop["exit"];
}

async function startRelay(
  listen: Kind,
  target: Place,
  args: readonly string[] = [],
  options: LaunchOptions = {},
): Promise<Relay> {
  const place = await freePlace(listen);
  const program = porthop(["relay", "--json", ...args, "-L", `${spec(place)}:${spec(target)}`], options);
  await program.event("ready");
  return {
    program,
    place,
    stop() {
      program.signal("SIGTERM");
      return program.exit;
    },
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}
