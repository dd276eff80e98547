/** What a proxy's client is told when it cannot have what it asked for, and how long those stay who ask for nothing. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { bytes, connectRequest, request4 } from "../kit/proxy-bytes.ts";
import { run } from "../kit/run.ts";
import { echoServer, freePort, httpServer } from "../kit/servers.ts";
import { startSshd } from "../kit/sshd.ts";
import { connectTo } from "../kit/tcp-end.ts";
import { openProxy, type RunningProxy, socks5 } from "./proxy.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen", "curl", "nc"), timeout: 60_000 };
const theSshd = shared(() => startSshd());
const theProxy = shared(async () => openProxy(await theSshd()));

test("A port where nobody listens is refused with 0x05, 0x5B and 502.", limits, async () => {
  const proxy = await theProxy();
  const port = await freePort();
  assert.equal(await replyTo(proxy, "127.0.0.1", port), 5);
  assert.equal(await said(proxy, request4("127.0.0.1", port)), "\x00\x5b\x00\x00\x00\x00\x00\x00");
  assert.match(
    await said(proxy, connectRequest(`127.0.0.1:${port}`)),
    new RegExp(
      `^HTTP/1\\.1 502 Bad Gateway\r\n[^]*Connection: close\r\n\r\n[^\n]*127\\.0\\.0\\.1:${port} refused the connection[^\n]*\n$`,
    ),
  );
});

test("A name that the server does not know is unreachable: 0x04 and 502.", limits, async () => {
  const proxy = await theProxy();
  assert.equal(await replyTo(proxy, "no-such-host.invalid", 80), 4);
  assert.match(await said(proxy, connectRequest("no-such-host.invalid:80")), /^HTTP\/1\.1 502 .*cannot resolve/s);
});

for (const [what, config] of [
  ["AllowTcpForwarding no", (_port: number) => ["AllowTcpForwarding no"]],
  ["PermitOpen", (port: number) => [`PermitOpen 127.0.0.1:${port}`]],
] as const) {
  test(`What the server prohibits by ${what} is told with 0x02 and 403.`, limits, async () => {
    await using allowed = await echoServer();
    await using other = await echoServer();
    await using sshd = await startSshd({ config: config(allowed.port) });
    await using proxy = await openProxy(sshd);
    assert.equal(await replyTo(proxy, "127.0.0.1", other.port), 2);
    assert.match(await said(proxy, connectRequest(`127.0.0.1:${other.port}`)), /^HTTP\/1\.1 403 Forbidden\r\n/);
    assert.equal(await replyTo(proxy, "127.0.0.1", allowed.port), what === "PermitOpen" ? 0 : 2);
    assert.equal(other.accepted, 0);
  });
}

test("curl and nc say of a refused target what it was.", limits, async () => {
  const proxy = await theProxy();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/`;
  const at = `127.0.0.1:${proxy.port}`;
  const curl5 = await run("curl", ["-sS", "--socks5-hostname", at, url]);
  assert.equal(curl5.code, 97);
  assert.match(curl5.stderr, /\(5\)/);
  const curlHttp = await run("curl", ["-sS", "-p", "-x", `http://${at}`, url]);
  assert.equal(curlHttp.code, 56);
  assert.match(curlHttp.stderr, /502/);
  const nc = await run("nc", ["-N", "-X", "5", "-x", at, "127.0.0.1", String(port)], { input: "x" });
  assert.notEqual(nc.code, 0);
  assert.match(nc.stderr, /refused/);
});

test(
  "BIND, UDP ASSOCIATE and a login are not to be had, and bad requests are told what is wrong.",
  limits,
  async () => {
    const proxy = await theProxy();
    assert.equal(await replyTo(proxy, "127.0.0.1", 80, 2), 7);
    assert.equal(await replyTo(proxy, "127.0.0.1", 80, 3), 7);
    assert.equal(await said(proxy, request4("127.0.0.1", 80, undefined, 2)), "\x00\x5b\x00\x00\x00\x00\x00\x00");
    assert.equal(await said(proxy, bytes([5, 1, 2])), "\x05\xff");
    assert.equal(await said(proxy, bytes([5, 1, 0, 5, 1, 0, 9])), "\x05\x00\x05\x08\x00\x01\x00\x00\x00\x00\x00\x00");
    const plain = await run("curl", ["-sSi", `http://127.0.0.1:${proxy.port}/`]);
    assert.equal(plain.code, 0);
    assert.match(plain.stdout, /^HTTP\/1\.1 400 Bad Request\r\n.*\r\n\r\nthis port is a proxy and no web server/s);
    const bad = await said(proxy, connectRequest("no-port"));
    assert.match(bad, /^HTTP\/1\.1 400 Bad Request\r\n.*\r\n\r\n"no-port" is not host:port\n$/s);
  },
);

test("A refusal reaches a client that has already sent more than was read.", limits, async () => {
  const proxy = await theProxy();
  const port = await freePort();
  const eager = bytes([], "", connectRequest(`127.0.0.1:${port}`), new Uint8Array(500_000));
  for (let round = 0; round < 5; round++) assert.match(await said(proxy, eager), /^HTTP\/1\.1 502 .*refused/s);
});

test("Another protocol is told of once for each connection, shown harmlessly, and ended.", limits, async () => {
  await using proxy = await openProxy(await theSshd());
  assert.equal(await said(proxy, bytes([0x17, 3, 1], "\x1b[2J client hello")), "");
  await proxy.stderr(
    /log: D1#1 127\.0\.0\.1:\d+ was refused: .*neither SOCKS nor HTTP: "\\x17\\x03\\x01\\x1b\[2J clie"/,
  );
  assert.match(await said(proxy, bytes([], "SSH-2.0-me\r\n")), /^HTTP\/1\.1 400 /);
  await proxy.stderr(/D1#2 .* was refused: this is not an HTTP request: "SSH-2\.0-me"/);
  const https = await run("curl", ["-sS", "--proxy-insecure", "-x", `https://127.0.0.1:${proxy.port}`, "http://a/"]);
  assert.notEqual(https.code, 0);
  await proxy.stderr(/D1#3 .* was refused: this is TLS, and a proxy is spoken to in clear/);
  assert.equal(proxy.stderrText.match(/was refused/g)?.length, 3);
});

for (const flag of ["-D", "-R"] as const) {
  test(`A handshake that ${flag} refuses is told in the log and as events, silence is not.`, limits, async () => {
    await using proxy = await openProxy(await theSshd(), { flag });
    await using silent = await connectTo(proxy.port);
    silent.end();
    await silent.received;
    await using leaving = await connectTo(proxy.port);
    await leaving.send([Uint8Array.of(5, 1, 0)]);
    await leaving.got(2);
    leaving.end();
    await leaving.received;
    const id = `${flag[1]}1#1`;
    const closed = await proxy.event("flow.close");
    const opened = await proxy.event("flow.open");
    assert.deepEqual([opened.flow, opened["target"], closed.flow, closed["target"]], [id, null, id, null]);
    assert.deepEqual([closed.reason, closed["up"], closed["down"]], ["refused", 0, 0]);
    const { code, leg, message } = closed["error"] as Record<string, unknown>;
    assert.deepEqual([code, leg], ["target.prohibited", 1]);
    assert.equal(message, "the client left without asking for a target");
    assert.equal(opened["origin"], closed["origin"]);
    await proxy.stderr(new RegExp(`log: ${id} \\S+ was refused: the client left without asking for a target`));
    const names = proxy.events.map(({ event }) => event);
    assert.deepEqual(names.slice(-2), ["flow.open", "flow.close"], "and nothing of the silent one");
  });
}

test("Who says nothing, or stops in the middle, is cut off after ten seconds.", limits, async () => {
  const proxy = await theProxy();
  const began = performance.now();
  await using silent = await connectTo(proxy.port);
  await using halting = await connectTo(proxy.port);
  await halting.send([Uint8Array.of(5, 1, 0, 5)]);
  assert.deepEqual([(await silent.received).bytes, (await halting.received).bytes], [0, 2]);
  const ms = performance.now() - began;
  assert.ok(ms > 9_900 && ms < 25_000, `${ms} ms`);
});

test("Porthop stops at once though a client has not asked for anything yet.", limits, async () => {
  await using proxy = await openProxy(await theSshd());
  await using silent = await connectTo(proxy.port);
  await using asked = await connectTo(proxy.port);
  await asked.send([Uint8Array.of(5, 1, 0)]);
  await asked.got(2);
  const began = performance.now();
  proxy.signal("SIGTERM");
  assert.equal((await proxy.exit).code, 0);
  assert.ok(performance.now() - began < 4000);
  await silent.received;
});

test(
  "A refused flow is an event with the target, and a warning is given once for a proxy that others can reach.",
  limits,
  async () => {
    await using proxy = await openProxy(await theSshd(), { bind: "*:" });
    const port = await freePort();
    await replyTo(proxy, "127.0.0.1", port);
    const closed = await proxy.event("flow.close");
    assert.deepEqual([closed.flow, closed["target"], closed.reason], ["D1#1", `127.0.0.1:${port}`, "refused"]);
    assert.equal(proxy.stderrText.match(/D1: anyone who can reach 0\.0\.0\.0:\d+ can use it as a proxy/g)?.length, 1);
  },
);

test(
  "PermitRemoteOpen holds for reverse dynamic forwards: all else is prohibited, and not dialed.",
  limits,
  async () => {
    await using allowed = await httpServer("allowed\n");
    await using other = await httpServer("other\n");
    const permit = ["-o", `PermitRemoteOpen=localhost:${allowed.port}`];
    await using proxy = await openProxy(await theSshd(), { flag: "-R", args: permit });
    const flags = ["-sS", "--socks5-hostname", `127.0.0.1:${proxy.port}`];
    const page = await run("curl", [...flags, `http://localhost:${allowed.port}/`]);
    assert.deepEqual([page.code, page.stdout], [0, "allowed\n"], page.stderr);
    assert.equal(await replyTo(proxy, "localhost", other.port), 2);
    assert.equal(await replyTo(proxy, "127.0.0.1", allowed.port), 2);
    assert.equal(other.accepted, 0);
  },
);

/** The code of the answer, from a connection that was then read to its end if it was a refusal. */
async function replyTo(proxy: RunningProxy, host: string, port: number, command = 1): Promise<number> {
  const { client, reply } = await socks5(proxy, host, port, command);
  await using own = client;
  if (reply !== 0) assert.equal((await own.received).ended, true, "a refusal ends cleanly");
  return reply;
}

/** All that the proxy says to this, up to a clean end. */
async function said(proxy: RunningProxy, request: Uint8Array): Promise<string> {
  await using client = await connectTo(proxy.port);
  await client.send([request]);
  const { ended } = await client.received;
  assert.equal(ended, true, `a refusal ends cleanly; it said ${JSON.stringify(client.text)}`);
  return client.text;
}
