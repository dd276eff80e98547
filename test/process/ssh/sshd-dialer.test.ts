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
  assert.equal(transport.goneBy(false), undefined, "it may still run");
  transport.stream.resume();
  await once(transport.stream, "end");
  const [early, late] = [transport.goneBy(false), transport.goneBy(true)];
  assert.deepEqual([early?.code, late?.code], ["ssh.unreachable", "ssh.lost"]);
  assert.equal(early?.message, "cannot reach sshd at db:22: the ProxyCommand ended with code 3: sh -c 'exit 3'");
  assert.equal(late?.message, "lost the session with db:22: the ProxyCommand ended with code 3: sh -c 'exit 3'");
  await transport.release();
});
