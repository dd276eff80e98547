import assert from "node:assert/strict";
import { test } from "node:test";
import { nextFreePort, portFlaw } from "../../../../src/cli/wizard/port.ts";
import { echoServer, freePort } from "../../../kit/servers.ts";

test("A free port is free, also twice in a row: nobody is left listening on it.", async () => {
  const port = await freePort();
  for (const host of ["localhost", "localhost", "*"]) assert.equal(await portFlaw(host, port), undefined);
  assert.equal(await nextFreePort("localhost", port), port);
});

test("A port that is taken is named with who has it and with one that is free.", async () => {
  // Its neighbours are nobody's: among the ports of outgoing connections they may come and go.
  await using holder = await echoServer({ port: await freePort() });
  const flaw = (await portFlaw("localhost", holder.port)) ?? "";
  const [, pid, next] = /^port \d+ is taken by .+ \(pid (\d+)\); (\d+) is free$/.exec(flaw) ?? [];
  assert.equal(Number(pid), process.pid, flaw);
  assert.equal(await portFlaw("localhost", Number(next)), undefined);
  assert.ok(Number(await nextFreePort("localhost", holder.port)) > holder.port);
});

test("Half a listener is none: what is taken on one of the two loopback addresses is taken.", async () => {
  await using holder = await echoServer({ host: "::1", port: await freePort("::1") });
  assert.match((await portFlaw("localhost", holder.port)) ?? "", /is taken/);
});
