/** Ready means ready: it is said after the last listener is up, however long the server takes for one of them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { need } from "../kit/packages.ts";
import { porthop } from "../kit/porthop.ts";
import { freePort } from "../kit/servers.ts";
import { startSshServer } from "../kit/ssh-server.ts";

builtExecutable();

test("It is not ready before the server has granted the last of several forwards.", {
  skip: need("ssh-keygen"),
  timeout: 60_000,
}, async () => {
  const late = await freePort();
  const asked = Promise.withResolvers<void>();
  const granted = Promise.withResolvers<void>();
  await using server = await startSshServer({
    connected(connection) {
      connection.on("request", (accept, _reject, _name, { bindPort }) => {
        if (bindPort !== late) return accept?.();
        asked.resolve();
        void granted.promise.then(() => accept?.());
      });
    },
  });
  const forwards = [
    ...["-L", `${await freePort()}:a:1`, "-R", `${await freePort()}:b:1`],
    ...["-R", `${late}:b:1`, "-R", `${await freePort()}:b:1`, "-D", `${await freePort()}`],
  ];
  await using program = porthop(["run", "--json", ...forwards, ...server.sshArgs, server.host]);
  const listens = (name: string) => program.event("listening", ({ forward }) => forward === name);
  await asked.promise;
  for (const name of ["L1", "R1"]) await listens(name);
  const saysReady = () => program.events.some(({ event }) => event === "ready") || /^ready/m.test(program.stderrText);
  assert.equal(saysReady(), false);
  granted.resolve();
  const { forwards: ready } = await program.event("ready");
  assert.deepEqual([...(ready as string[])].sort(), ["D1", "L1", "R1", "R2", "R3"]);
  const order = program.events.flatMap(({ event, forward }) => (event === "listening" ? [forward] : [event]));
  assert.deepEqual(order.slice(order.indexOf("ready") + 1), [], "ready is the last");
  await program.stderr(/^ready/m);
  program.signal("SIGTERM");
  assert.equal((await program.exit).code, 0);
});
