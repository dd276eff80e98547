import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { dialByCommand } from "../../../src/ssh/sshd-dialer.ts";

const timeout = 30_000;
const never = new AbortController().signal;
const environment = { PATH: process.env["PATH"] ?? "/usr/bin:/bin" };

function to(port: number, host = "127.0.0.1") {
  return { host, port, connectTimeoutMs: undefined, attempts: 1 };
}

test("A ProxyCommand's own end is the reason, before the session stands and after.", { timeout }, async () => {
  const transport = await dialByCommand("sh -c 'exit 3'", environment)(to(22, "db"), never);
  assert.deepEqual(
    [transport.local, transport.remote, transport.observed, transport.hop],
    [undefined, undefined, false, 1],
  );
  assert.equal(transport.goneBy("greeting"), undefined, "it may still run");
  transport.stream.resume();
  await once(transport.stream, "end");
  const [early, late] = [transport.goneBy("greeting"), transport.goneBy("session")];
  assert.deepEqual([early?.code, late?.code], ["ssh.unreachable", "ssh.lost"]);
  assert.equal(early?.message, "cannot reach sshd at db:22: the ProxyCommand ended with code 3: sh -c 'exit 3'");
  assert.equal(late?.message, "lost the session with db:22: the ProxyCommand ended with code 3: sh -c 'exit 3'");
  await transport.release();
});

test("A ProxyCommand that printed something else than SSH is told with that, running or not.", {
  timeout,
}, async () => {
  for (const [command, how] of [
    ["sh -c 'echo; exec sleep 30'", 'printed "hi" and no SSH greeting'],
    ["sh -c 'echo; exit 3'", 'printed "hi" and no SSH greeting, and ended with code 3'],
  ] as const) {
    const transport = await dialByCommand(command, environment)(to(22, "db"), never);
    transport.stream.resume();
    await once(transport.stream, command.includes("sleep") ? "data" : "end");
    const error = transport.goneBy("greeting", '"hi"');
    assert.equal(error?.message, `cannot reach sshd at db:22: the ProxyCommand ${how}: ${command}`);
    assert.match(error?.hint ?? "", /run the command by hand/);
    await transport.release();
  }
});

test("A ProxyCommand that ends well after the greeting did its work: the server's end is the reason.", {
  timeout,
}, async () => {
  const transport = await dialByCommand("true", environment)(to(22, "db"), never);
  transport.stream.resume();
  await once(transport.stream, "end");
  assert.equal(transport.goneBy("login"), undefined);
  assert.match(transport.goneBy("greeting")?.message ?? "", /ended with code 0/);
  await transport.release();
});
