/** Who may connect: --allow-from, and the warning of a forward that other machines can reach without it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { porthop } from "../kit/porthop.ts";
import { run } from "../kit/run.ts";
import { echoServer, freePort } from "../kit/servers.ts";
import { startSshd } from "../kit/sshd.ts";
import { connectTo } from "../kit/tcp-end.ts";
import { assertTurnedAway } from "./carriage.ts";
import { assertTold, runToEnd } from "./failure.ts";
import { connectAt, freePlace, playAt, spec } from "./place.ts";

builtExecutable();
const missing = need("sshd", "ssh-keygen");
const linux = process.platform !== "linux" && "needs Linux, where all of 127.0.0.0/8 is this machine";
const limits = { skip: linux, timeout: 30_000 };
const theSshd = shared(() => startSshd());

for (const runtime of ["compiled", "deno"] as const) {
  test(
    `On ${runtime} who is listed comes through, and who is not is reset, once named, and never a flow.`,
    limits,
    async () => {
      await using target = await echoServer();
      const port = await freePort();
      const args = ["relay", "--json", "-g", "-L", `${port}:127.0.0.1:${target.port}`];
      await using program = porthop([...args, "--allow-from", "127.0.0.2,10.0.0.0/8", "--allow-from", "::1"], {
        runtime,
      });
      await program.event("ready");
      for (const from of ["127.0.0.2", "::1"]) {
        await using client = await connectTo(port, from, 0);
        await client.send("hello");
        await client.got(5);
        client.end();
        assert.equal((await client.received).ended, true);
      }
      for (let tries = 0; tries < 3; tries++) await assertTurnedAway({ host: "127.0.0.1", port });
      program.signal("SIGTERM");
      const { stderr } = await program.exit;
      assert.deepEqual(stderr.match(/.*turned.*/g), [
        "porthop: warning: L1: turned 127.0.0.1 away: it is not in --allow-from",
      ]);
      assert.doesNotMatch(stderr, /open to the network/);
      const flows = program.events.filter(({ event }) => event.startsWith("flow."));
      assert.deepEqual([...new Set(flows.map(({ flow }) => flow))], ["L1#1", "L1#2"]);
      assert.equal(target.accepted, 2);
    },
  );
}

test("With run it holds for -L and -D alike, and unix sockets are not concerned.", {
  ...limits,
  skip: missing || linux,
}, async () => {
  await using target = await playAt("tcp");
  const sshd = await theSshd();
  const [local, dynamic, unix] = [await freePort(), await freePort(), await freePlace("unix")];
  const forwards = [
    "-L",
    `${local}:${spec(target.place)}`,
    "-D",
    `${dynamic}`,
    "-L",
    `${spec(unix)}:${spec(target.place)}`,
  ];
  const args = ["run", "--json", ...forwards, "--allow-from", "192.0.2.0/24", ...sshd.sshArgs, sshd.host];
  await using program = porthop(args);
  await program.event("ready");
  await assertTurnedAway({ host: "127.0.0.1", port: local });
  await assertTurnedAway({ host: "127.0.0.1", port: dynamic });

  await using client = await connectAt(unix);
  await client.send("hello");
  await (await target.accepted()).got(5);
  await program.event("flow.open", ({ forward }) => forward === "L2");
});

for (const [flags, bind] of [
  [["-g"], ""],
  [["-o", "GatewayPorts=yes"], ""],
  [[], "*:"],
  [[], "0.0.0.0:"],
] as const) {
  const how = [...flags, `-L ${bind}port:...`].join(" ");
  test(`${how} is said to be open to the network, once.`, limits, async () => {
    const port = await freePort();
    await using program = porthop(["relay", ...flags, "-L", `${bind}${port}:localhost:80`]);
    await program.stderr(/^ready/m);
    program.signal("SIGTERM");
    const { stderr } = await program.exit;
    assert.deepEqual(stderr.match(/.*open to the network.*/g), [
      "porthop: warning: L1: open to the network: anyone who reaches this machine may use it; --allow-from restricts it",
    ]);
  });
}

test("On loopback nothing is said.", limits, async () => {
  const port = await freePort();
  await using program = porthop(["relay", "-L", `127.0.0.2:${port}:localhost:80`, "-L", `${port}:localhost:80`]);
  await program.stderr(/^ready/m);
  assert.doesNotMatch(program.stderrText, /open to/);
});

test("What is no network is a usage error that says what is wrong with it.", limits, async () => {
  const forward = ["relay", "-L", `${await freePort()}:localhost:80`];
  for (const [network, says] of [
    ["intranet", '"intranet" is no network'],
    ["10.0.0.0/33", "a number from 0 to 32"],
    ["10.0.0.1/8", "10.0.0.0/8 or 10.0.0.1 is meant"],
    ["10.0.0.0/8,", "is no network"],
    ["", "is no network"],
  ] as const) {
    const exit = await runToEnd([...forward, "--allow-from", network]);
    assertTold(exit, { exit: 2, code: "usage", says: [`--allow-from ${network}`.trim(), says] });
  }
});

test("A value of GatewayPorts that only a server has is refused.", limits, async () => {
  const { code, stderr } = await run(builtExecutable(), [
    "run",
    "-o",
    "GatewayPorts=clientspecified",
    "-L",
    "1:x:1",
    "h",
  ]);
  assert.equal(code, 2);
  assert.match(stderr, /GatewayPorts.*clientspecified/);
});
