/** --check-target, and what `ready` and the exit code promise: all listeners are up, each target was reached. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { porthop } from "../kit/porthop.ts";
import { echoServer, freePort } from "../kit/servers.ts";
import { startSshServer } from "../kit/ssh-server.ts";
import { startSshd } from "../kit/sshd.ts";
import { echoes } from "../kit/tcp-end.ts";
import { assertEvents, assertFails } from "./failure.ts";
import { freePlace, playAt, spec } from "./place.ts";
import { lostForGood, openTunnel } from "./tunnel.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen"), timeout: 60_000 };
const theSshd = shared(() => startSshd());

test("Ready comes after each target was reached: what it sees is a connection that ends at once.", limits, async () => {
  const sshd = await theSshd();
  await using local = await playAt("tcp");
  await using socket = await playAt("unix");
  await using remote = await playAt("tcp");
  const forwards = [
    ...["-L", `${await freePort()}:${spec(local.place)}`, "-L", `${await freePort()}:${spec(socket.place)}`],
    ...["-R", `0:${spec(remote.place)}`, "-D", String(await freePort())],
  ];
  await using program = porthop(["run", "--json", "--check-target", ...forwards, ...sshd.sshArgs, sshd.host]);
  for (const target of [local, socket, remote]) {
    const end = await target.accepted();
    assert.deepEqual(await end.received, { bytes: 0, sha256: emptySha256, ended: true });
    end.end();
  }
  assert.deepEqual((await program.event("ready"))["forwards"], ["L1", "L2", "R1", "D1"]);
  const flows = program.events.filter(({ event }) => event.startsWith("flow."));
  assert.deepEqual(flows, [], "nobody has connected");
  program.signal("SIGINT");
  assert.equal((await program.exit).code, 130);
});

test("A target that is not reached the first time is the end, with its forward and its leg.", limits, async () => {
  const sshd = await theSshd();
  const [closed, absent] = [await freePort(), spec(await freePlace("unix"))];
  const way = [...sshd.sshArgs, sshd.host];
  await assertFails(["--check-target", "-L", `${await freePort()}:127.0.0.1:${closed}`, ...way], {
    ...{ exit: 255, code: "target.refused", leg: 3, hint: /as the server sees it/ },
    says: [`L1: the target 127.0.0.1:${closed} refused`],
    before: [/^L1 listening on/],
  });
  // It is no matter of the link, so `always` does not try it again.
  await assertFails(["--check-target", "--reconnect", "always", "-R", `0:127.0.0.1:${closed}`, ...way], {
    ...{ exit: 255, code: "target.refused", leg: 3 },
    says: [`R1: 127.0.0.1:${closed} refused the connection from here`],
    before: [/^R1 -> .*the server listens on port/],
  });
  await assertFails(["--check-target", "-L", `${await freePort()}:${absent}`, ...way], {
    ...{ exit: 255, code: "target.unreachable", leg: 3 },
    says: [/^L1: /, absent],
    before: [/^L1 listening on/],
  });
});

test("Without --check-target a target that is not there is no hindrance.", limits, async () => {
  await using tunnel = await openTunnel(await theSshd(), [{ host: "127.0.0.1", port: await freePort() }]);
  assert.equal((await tunnel.stop()).code, 0);
});

test("After a reconnect a target that is gone is told, and the tunnel goes on.", limits, async () => {
  await using sshd = await startSshd();
  await using stays = await echoServer();
  const goes = await echoServer();
  const args = ["--check-target"];
  await using tunnel = await openTunnel(sshd, [stays, goes], { args });
  await goes[Symbol.asyncDispose]();
  await sshd.dropSessions();
  const error = await tunnel.program.event("error");
  assert.deepEqual([error.code, error["leg"]], ["target.refused", 3]);
  assert.match(String(error.message), /^L2: /);
  assert.equal(await echoes(tunnel.port), true);
  assert.equal((await tunnel.stop()).code, 0);
});

test("A session that ends for good before each target was reached is the reason.", limits, async () => {
  const asked = Promise.withResolvers<void>();
  await using server = await startSshServer({
    forward: () => {
      asked.resolve();
      return "hang";
    },
  });
  const forward = ["-L", `${await freePort()}:target.example:80`];
  const words = ["run", "--json", "--check-target", ...lostForGood, ...forward, ...server.sshArgs, server.host];
  await using program = porthop(words);
  await asked.promise;
  server.drop();
  const exit = await program.exit;
  assert.equal(assertEvents(exit, 255).code, "ssh.lost");
  assert.equal(
    program.events.some(({ event }) => event === "ready"),
    false,
  );
});

const emptySha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
