import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { portHolder, unixHolder } from "../../../src/io/port-holder.ts";
import { freePort } from "../../kit/servers.ts";
import { tempDirectory } from "../../kit/temp.ts";

// Only Linux shows the sockets of other processes as files; elsewhere the answer is that nothing is known.
const skip = existsSync("/proc/net/tcp") ? false : "this system has no /proc/net/tcp";

test("A port that this very process holds is its own.", { skip }, async () => {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  assert.equal(portHolder(address.port)?.pid, process.pid);
  server.close();
});

test("A port on which nobody listens is nobody's.", async () => {
  assert.equal(portHolder(await freePort()), undefined);
});

test("The program that listens on a unix socket is named by its path, and one that is connected is not.", {
  skip,
}, async () => {
  const path = join(tempDirectory("holder"), "a socket");
  assert.equal(unixHolder(path), undefined);
  const server = createServer((socket) => socket.destroy());
  server.listen(path);
  await once(server, "listening");
  const socket = connect(path);
  await once(socket, "connect");
  assert.equal(unixHolder(path)?.pid, process.pid);
  assert.equal(unixHolder(path.slice(0, -1)), undefined);
  socket.destroy();
  server.close();
  await once(server, "close");
  assert.equal(unixHolder(path), undefined);
});
