import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import { porthop } from "../../kit/porthop.ts";
import { currentRuntime } from "../../kit/runtime.ts";
import { freePort } from "../../kit/servers.ts";
import { startSshServer } from "../../kit/ssh-server.ts";

const timeout = 30_000;
const runtime = currentRuntime;

for (const [signal, code] of [
  ["SIGTERM", 0],
  ["SIGINT", 130],
] as const) {
  test(`It goes on until ${signal}, and ends in order with ${code}.`, { timeout }, async () => {
    await using server = await startSshServer({ banner: "Welcome to vishnu\r\n" });
    const forward = ["-L", `127.0.0.1:${await freePort()}:h:9`];
    await using program = porthop(["run", "--json", ...forward, ...server.sshArgs, server.host], { runtime });
    await program.event("ready");
    program.signal(signal);
    const exit = await program.exit;
    assert.equal(exit.code, code);
    assert.deepEqual(
      program.events.map(({ event, state }) => state ?? event),
      ["connecting", "ready", "listening", "ready", "closed", "exit"],
    );
    assert.match(exit.stderr, /^Welcome to vishnu\nL1 listening on .* -> h:9\nready: press Ctrl-C to stop\n$/);
  });
}

test("With --reconnect never a session that is lost ends it with 255, and is told once.", { timeout }, async () => {
  await using server = await startSshServer();
  const forward = ["--reconnect", "never", "-L", `127.0.0.1:${await freePort()}:h:9`];
  await using program = porthop(["run", "--json", ...forward, ...server.sshArgs, server.host], { runtime });
  await program.event("ready");
  server.drop();
  const exit = await program.exit;
  assert.equal(exit.code, 255);
  assert.deepEqual(
    program.events.slice(4).map(({ event, state, code }) => state ?? `${event} ${code}`),
    ["lost", "error ssh.lost", "exit 255"],
  );
  assert.equal(exit.stderr.match(/\[ssh\.lost\]/g)?.length, 1);
});

test("Whatever takes long is said, and can be interrupted.", { timeout }, async () => {
  const silent = createServer((socket) => socket.on("error", () => {}));
  silent.listen(0, "127.0.0.1");
  await once(silent, "listening");
  const { port } = silent.address() as AddressInfo;
  await using program = porthop(["run", "-L", "8080:h:9", "-F", "none", "-p", String(port), "127.0.0.1"], { runtime });
  await program.stderr(/^connecting to 127\.0\.0\.1 \.\.\.$/m);
  program.signal("SIGINT");
  const { code, stderr } = await program.exit;
  assert.deepEqual([code, stderr], [130, "connecting to 127.0.0.1 ...\n"]);
  silent.close();
});

test("-v tells the negotiation, -vv ssh2's own trace as well.", { timeout }, async () => {
  await using server = await startSshServer();
  for (const [flag, traced] of [
    ["-v", false],
    ["-vv", true],
  ] as const) {
    const forward = ["-L", `127.0.0.1:${await freePort()}:h:9`];
    await using program = porthop(["run", flag, ...forward, ...server.sshArgs, server.host], { runtime });
    await program.stderr(/^ready/m);
    program.signal("SIGTERM");
    const { stderr } = await program.exit;
    assert.match(stderr, /^logged in to \S+@127\.0\.0\.1:\d+ \(\S*25519-sha\S+, \S+, host key SHA256:\S+\)$/m);
    assert.equal(/Handshake|KEXINIT/.test(stderr), traced);
  }
});
