/** A name that gets another address while porthop runs: the next connection goes there. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { after, test } from "node:test";
import { noMounts } from "../kit/dropbear.ts";
import { builtExecutable } from "../kit/executable.ts";
import { launch } from "../kit/launch.ts";
import { need } from "../kit/packages.ts";
import { Porthop } from "../kit/porthop.ts";
import { freePort } from "../kit/servers.ts";
import { removeTemp, tempDirectory } from "../kit/temp.ts";

builtExecutable();
const place = tempDirectory("moving-names");
after(() => removeTemp(place));

test("A target that moved to another address is found there by the next connection, without a restart.", {
  timeout: 60_000,
  skip: need("unshare", "mount") || noMounts,
}, async () => {
  const hosts = join(place, "hosts");
  const moveTo = (address: string) => writeFileSync(hosts, `127.0.0.1 localhost\n${address} moving.test\n`);
  const server = createServer((socket) => socket.end(String(socket.localAddress)));
  server.listen({ host: "0.0.0.0", port: 0 });
  server.unref();
  await once(server, "listening");
  const target = server.address();
  assert.ok(target !== null && typeof target === "object");
  moveTo("127.0.0.41");
  const port = await freePort();
  const launched = launch(["relay", "--json", "-L", `${port}:moving.test:${target.port}`]);
  const withHosts = ["unshare", "-m", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', hosts];
  await using program = new Porthop({ ...launched, command: [...withHosts, ...launched.command] }, {});
  await program.event("ready");
  for (const address of ["127.0.0.41", "127.0.0.42", "127.0.0.43"]) {
    moveTo(address);
    assert.equal(await whatComes(port), address);
  }
  server.close();
});

async function whatComes(port: number): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  let text = "";
  socket.on("data", (chunk) => {
    text += String(chunk);
  });
  await once(socket, "close");
  return text;
}
