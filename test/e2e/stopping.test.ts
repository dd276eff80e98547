/** How porthop is stopped: by a signal, with grace for what is under way, at once by a second one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { launch } from "../kit/launch.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { porthop } from "../kit/porthop.ts";
import { pty } from "../kit/pty.ts";
import { randomChunks, sumOf } from "../kit/random.ts";
import { echoServer, freePort } from "../kit/servers.ts";
import { startSshd } from "../kit/sshd.ts";
import { playTarget } from "../kit/tcp-end.ts";
import { tempDirectory } from "../kit/temp.ts";
import { untilClosed } from "./closed-port.ts";
import { openRemote, RemoteTunnel } from "./remote-tunnel.ts";
import { openTunnel } from "./tunnel.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen", "script", "stty"), timeout: 60_000 };
/** More than the sockets of the kernel take for somebody who does not read: the rest waits inside sshd. */
const bytesHeld = 3_200_000;
const theSshd = shared(() => startSshd());

for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 0],
  ["SIGHUP", 0],
] as const) {
  test(`${signal} stops an idle tunnel with exit code ${code}.`, limits, async () => {
    await using target = await echoServer();
    await using tunnel = await openTunnel(await theSshd(), [target]);
    tunnel.program.signal(signal);
    const exit = await tunnel.program.exit;
    assert.deepEqual([exit.code, exit.signal], [code, null]);
    assert.equal((await tunnel.program.event("exit")).code, code);
  });

  test(
    `${signal} while the session is still being made ends porthop with ${code}, without an error.`,
    limits,
    async () => {
      await using silent = await playTarget();
      await using program = porthop(["run", "--json", "-L", "1:a:1", "-p", String(silent.port), "alice@127.0.0.1"]);
      await silent.accepted();
      program.signal(signal);
      assert.equal((await program.exit).code, code);
      assert.deepEqual(
        program.events.map(({ event }) => event),
        ["session", "exit"],
      );
    },
  );
}

test("Ctrl-C on a terminal stops it with 130 and ends its capture in order.", limits, async () => {
  const sshd = await theSshd();
  const home = tempDirectory("home");
  const forward = ["-L", `${await freePort()}:localhost:1`];
  const { command, env, cwd } = launch(["run", "--capture", "out.pcap", ...forward, ...sshd.sshArgs, sshd.host], {
    home,
  });
  await using screen = pty(command, { env, cwd });
  await screen.screen(/ready: press Ctrl-C to stop/);
  screen.send("\u0003");
  await screen.screen(/capture: \d+ packets in out\.pcap/);
  assert.equal(await screen.exit, 130);
});

test("An open flow may finish within the grace, while new ones are refused.", limits, async () => {
  await using target = await echoServer();
  await using tunnel = await openTunnel(await theSshd(), [target], { args: ["--grace", "1h"] });
  await using client = await tunnel.connect();
  await client.send("before");
  await client.got(6);
  tunnel.program.signal("SIGTERM");
  await untilClosed(tunnel.port);
  await client.send(" and after");
  client.end();
  assert.deepEqual([(await client.received).ended, client.text], [true, "before and after"]);
  assert.equal((await tunnel.program.exit).code, 0);
  const closed = await tunnel.program.event("flow.close", ({ flow }) => flow === "L1#1");
  assert.deepEqual([closed.reason, closed.up], ["ended", 16]);
});

for (const kind of ["-L", "-R"] as const) {
  test(
    `All that ${kind} took reaches an end that reads late, also when porthop was stopped meanwhile.`,
    limits,
    async () => {
      await using target = await playTarget();
      // Its forward shows that the stop began: whoever still comes in there is through at once.
      await using echo = await echoServer();
      const options = { args: ["--grace", "1h"] };
      await using tunnel =
        kind === "-L"
          ? await openTunnel(await theSshd(), [target, echo], options)
          : await openRemote(await theSshd(), [target, echo], options);
      await using client = await tunnel.connect();
      const far = await target.accepted();
      // Whose end is behind sshd reads late; it ended its own half before, so that the flow ends with the last byte.
      const [writer, reader] = kind === "-L" ? [client, far] : [far, client];
      reader.end();
      reader.pause();
      await writer.received;
      await writer.send(randomChunks(bytesHeld, 3));
      writer.end();
      await tunnel.program.event("flow.close");
      tunnel.program.signal("SIGTERM");
      await untilClosed(tunnel instanceof RemoteTunnel ? tunnel.port(1) : (tunnel.ports[1] ?? 0));
      reader.resume();
      assert.deepEqual(await reader.received, { ...(await sumOf(randomChunks(bytesHeld, 3))), ended: true });
      assert.equal((await tunnel.program.exit).code, 0);
    },
  );
}

test("After the grace an open flow is cut, and both ends see a break.", limits, async () => {
  await using target = await playTarget();
  await using tunnel = await openTunnel(await theSshd(), [target], { args: ["--grace", "300ms"] });
  await using client = await tunnel.connect();
  await client.send("unfinished");
  const far = await target.accepted();
  await far.got(10);
  const start = performance.now();
  tunnel.program.signal("SIGTERM");
  assert.equal((await client.received).ended, false);
  assert.ok(performance.now() - start >= 290, "the grace was given");
  await far.received;
  assert.equal((await tunnel.program.exit).code, 0);
  const closed = await tunnel.program.event("flow.close");
  assert.deepEqual(
    [closed.reason, closed["error"] && (closed["error"] as { code: string }).code],
    ["aborted", "cancelled"],
  );
});

for (const [first, second, code] of [
  ["SIGINT", "SIGINT", 130],
  ["SIGTERM", "SIGINT", 0],
] as const) {
  test(`A second signal, ${second} after ${first}, ends porthop at once with ${code}.`, limits, async () => {
    await using target = await playTarget();
    await using tunnel = await openTunnel(await theSshd(), [target], { args: ["--grace", "1h"] });
    await using client = await tunnel.connect();
    await target.accepted();
    tunnel.program.signal(first);
    await untilClosed(tunnel.port);
    tunnel.program.signal(second);
    assert.equal((await tunnel.program.exit).code, code);
    assert.equal((await client.received).ended, false);
  });
}
