/** Clients of a proxy (-D) while the session is lost: the handshake goes on, only its answer waits, and it is always one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { need } from "../kit/packages.ts";
import { bytes, connectRequest, greeting5, request4a, request5 } from "../kit/proxy-bytes.ts";
import { run } from "../kit/run.ts";
import { echoServer, httpServer } from "../kit/servers.ts";
import { startSshd } from "../kit/sshd.ts";
import { connectTo } from "../kit/tcp-end.ts";
import { openProxy } from "./proxy.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen", "curl"), timeout: 90_000 };

/** A proxy whose session is lost and whose sshd is gone. */
async function outage(hold: string) {
  const sshd = await startSshd();
  const proxy = await openProxy(sshd, { args: ["--hold", hold] });
  await sshd.kill();
  await proxy.event("session", ({ state }) => state === "lost");
  return {
    sshd,
    proxy,
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await sshd[Symbol.asyncDispose]();
    },
  };
}

test("A SOCKS client is heard out while no session stands, and answered once one does.", limits, async () => {
  await using play = await outage("60s");
  await using target = await echoServer();
  await using client = await connectTo(play.proxy.port);
  await client.send([greeting5]);
  await client.got(2);
  await client.send([request5("127.0.0.1", target.port), Buffer.from("early")]);
  await play.sshd.start();
  await client.got(2 + 10 + 5);
  assert.equal(client.text, `\x05\x00\x05\x00\x00\x01${"\x00".repeat(6)}early`);
  client.end();
  assert.ok((await client.received).ended);
  assert.equal(target.accepted, 1);
});

test("Real curl is served through an outage, by SOCKS, by CONNECT and by a plain request.", limits, async () => {
  await using play = await outage("60s");
  await using target = await httpServer();
  const curls = ["socks5h", "socks4a", "http", "tunnel"].map((way) => {
    const how =
      way === "tunnel"
        ? ["-p", "-x", `http://127.0.0.1:${play.proxy.port}`]
        : ["-x", `${way}://127.0.0.1:${play.proxy.port}`];
    return run("curl", ["-sS", "-m", "60", ...how, `http://127.0.0.1:${target.port}/${way}`]);
  });
  await play.sshd.start();
  for (const { code, stdout, stderr } of await Promise.all(curls)) {
    assert.deepEqual([code, stdout, stderr], [0, "porthop test page\n", ""]);
  }
  assert.equal(target.accepted, 4);
});

test("When the hold is over a client of a proxy gets its protocol's answer and a clean end.", limits, async () => {
  await using play = await outage("1s");
  const said = async (request: Uint8Array) => {
    await using client = await connectTo(play.proxy.port);
    await client.send([request]);
    assert.ok((await client.received).ended);
    return client.text;
  };
  const [socks5, socks4, connect, plain] = await Promise.all([
    said(bytes([], "", greeting5, request5("db.internal", 5432))),
    said(request4a("db.internal", 5432)),
    said(connectRequest("db.internal:443")),
    said(bytes([], "GET http://db.internal/ HTTP/1.1\r\nHost: db.internal\r\n\r\n")),
  ]);
  assert.equal(socks5, `\x05\x00\x05\x01\x00\x01${"\x00".repeat(6)}`);
  assert.equal(socks4, `\x00\x5b${"\x00".repeat(6)}`);
  for (const answer of [connect, plain]) {
    assert.match(answer ?? "", /^HTTP\/1\.1 503 Service Unavailable\r\n.*Connection: close\r\n\r\n/s);
    assert.match(answer ?? "", /\r\n\r\nleg 2: no session came back within 1s: [^\n]+\n$/);
  }
  const through = (scheme: string, ...more: string[]) =>
    run("curl", ["-sS", "-m", "60", ...more, "-x", `${scheme}://127.0.0.1:${play.proxy.port}`, "http://db.internal/"]);
  const [bySocks, byConnect, byRequest] = await Promise.all([
    through("socks5h"),
    through("http", "-p"),
    through("http", "-o", "/dev/null", "-w", "%{http_code}"),
  ]);
  assert.equal(bySocks?.code, 97, bySocks?.stderr);
  assert.match(byConnect?.stderr ?? "", /503/);
  assert.deepEqual([byRequest?.code, byRequest?.stdout], [0, "503"]);
});
