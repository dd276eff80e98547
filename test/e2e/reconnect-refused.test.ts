/** What a reconnect may not try again: another host key, a login that never worked; and what it tries slowly. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { need } from "../kit/packages.ts";
import { porthop } from "../kit/porthop.ts";
import { echoServer, freePort } from "../kit/servers.ts";
import { startSshd } from "../kit/sshd.ts";
import { openTunnel } from "./tunnel.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen"), timeout: 60_000 };

test("A server that comes back with another host key is refused with 255, and not tried again.", limits, async () => {
  await using sshd = await startSshd();
  await using target = await echoServer();
  await using tunnel = await openTunnel(sshd, [target]);
  await sshd.kill();
  await using stranger = await startSshd({ port: sshd.port, authorizedKeys: [sshd.publicKey] });
  const { code, stderr } = await tunnel.program.exit;
  assert.equal(code, 255, stderr);
  assert.match(stderr, /\[ssh\.host-key-changed\]/);
  const errors = tunnel.program.events.filter(({ event, code: what }) => event === "error" && what !== "ssh.lost");
  assert.equal(errors.at(-1)?.code, "ssh.host-key-changed");
  assert.doesNotMatch(stranger.log(), /Accepted publickey/);
  // The kit's own greeting, and one try.
  const from = [...(await stranger.logSince(0)).matchAll(/^Connection from /gm)];
  assert.equal(from.length, 2, stranger.log());
});

test(
  "A login that worked and is refused now is tried again in 60 s, and a stop does not wait for it.",
  limits,
  async () => {
    await using sshd = await startSshd();
    await using target = await echoServer();
    await using tunnel = await openTunnel(sshd, [target]);
    writeFileSync(sshd.authorizedKeysFile, "");
    await sshd.dropSessions();
    const planned = await tunnel.program.event("reconnect", ({ inMs }) => Number(inMs) > 30_000);
    assert.ok(Number(planned["inMs"]) <= 75_000, JSON.stringify(planned));
    // Who connects meanwhile does not hurry a login that would be refused again.
    const after = tunnel.program.events.length;
    await using _client = await tunnel.connect();
    assert.equal((await tunnel.stop()).code, 0);
    const tried = tunnel.program.events.slice(after).filter(({ state }) => state === "connecting");
    assert.deepEqual(tried, []);
  },
);

test("A login that is refused now is said to be tried again in a minute.", limits, async () => {
  await using sshd = await startSshd();
  const forward = `${await freePort()}:127.0.0.1:9`;
  await using program = porthop(["run", "-L", forward, ...sshd.sshArgs, sshd.host]);
  await program.stderr(/^ready/m);
  writeFileSync(sshd.authorizedKeysFile, "");
  await sshd.dropSessions();
  await program.stderr(/refused the login of .*; trying again in 1m$/m);
  program.signal("SIGTERM");
  assert.equal((await program.exit).code, 0);
});

for (const reconnect of ["auto", "always"]) {
  test(`A login that never worked ends with 255 at once, with --reconnect ${reconnect}.`, limits, async () => {
    await using sshd = await startSshd();
    writeFileSync(sshd.authorizedKeysFile, "");
    const forward = `${await freePort()}:127.0.0.1:9`;
    const words = ["run", "--json", "--reconnect", reconnect, "-L", forward, ...sshd.sshArgs, sshd.host];
    await using program = porthop(words);
    const { code, stderr } = await program.exit;
    assert.equal(code, 255, stderr);
    assert.match(stderr, /\[ssh\.auth-failed\]/);
    assert.deepEqual(
      program.events.filter(({ event }) => event === "reconnect"),
      [],
    );
  });
}
