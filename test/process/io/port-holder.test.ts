import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { connect } from "node:net";
import { test } from "node:test";
import { portHolder } from "../../../src/io/port-holder.ts";
import { otherListener } from "../../kit/other-listener.ts";

// Only Linux shows the sockets of other processes as files; elsewhere the answer is that nothing is known.
const skip = existsSync("/proc/net/tcp") ? false : "this system has no /proc/net/tcp";

test("The program and the pid behind a port are named, whether it listens on IPv4 or IPv6.", {
  skip,
}, async (context) => {
  for (const host of ["127.0.0.1", "::1"]) {
    await using other = await otherListener(host, 0).catch(() => undefined);
    if (other === undefined) return context.skip(`this machine has no ${host}`);
    assert.deepEqual(portHolder(other.port), { program: other.program, pid: other.pid });
  }
});

test("Who is merely connected from a port or to one does not hold it.", { skip }, async () => {
  await using other = await otherListener("127.0.0.1", 0);
  const socket = connect(other.port, "127.0.0.1");
  await once(socket, "connect");
  assert.ok(socket.localPort !== undefined);
  assert.equal(portHolder(socket.localPort), undefined);
  assert.equal(portHolder(other.port)?.pid, other.pid, "and the listener is still found");
  socket.destroy();
});
