/** Dynamic forwards: real clients of all four protocols through the executable, and what they carry arrives whole. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { payloadOf } from "../kit/capture.ts";
import { builtExecutable } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { findTool, need } from "../kit/packages.ts";
import { bytes, connectRequest, request4a } from "../kit/proxy-bytes.ts";
import { randomBytes, randomChunks, sha256, sumOf } from "../kit/random.ts";
import { run } from "../kit/run.ts";
import { echoServer, httpServer, lateAnswerServer, sinkServer, sourceServer } from "../kit/servers.ts";
import { startSshd } from "../kit/sshd.ts";
import { connectTo, playTarget } from "../kit/tcp-end.ts";
import { answerBytes, openProxy, through } from "./proxy.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh", "ssh-keygen", "curl", "nc", "tshark"), timeout: 60_000 };
const theSshd = shared(() => startSshd());
const theProxy = shared(async () => openProxy(await theSshd()));

for (const [what, flags] of [
  ["SOCKS4", (port: number) => ["--socks4", `127.0.0.1:${port}`]],
  ["SOCKS4a", (port: number) => ["--socks4a", `127.0.0.1:${port}`]],
  ["SOCKS5", (port: number) => ["--socks5", `127.0.0.1:${port}`]],
  ["SOCKS5 with names", (port: number) => ["--socks5-hostname", `127.0.0.1:${port}`]],
  ["HTTP CONNECT", (port: number) => ["--proxytunnel", "-x", `http://127.0.0.1:${port}`]],
] as const) {
  for (const host of ["127.0.0.1", "localhost"]) {
    test(`curl gets a page from ${host} through ${what}.`, limits, async () => {
      await using web = await httpServer("a page\n");
      const proxy = await theProxy();
      const got = await run("curl", ["-sS", ...flags(proxy.port), `http://${host}:${web.port}/`]);
      assert.deepEqual([got.code, got.stdout, got.stderr], [0, "a page\n", ""]);
    });
  }
}

test("An IPv6 target is reached by its address, through SOCKS5 and through HTTP CONNECT.", limits, async () => {
  await using web = await httpServer("six\n", { host: "::1" });
  const proxy = await theProxy();
  for (const flags of [
    ["--socks5-hostname", `127.0.0.1:${proxy.port}`],
    ["-p", "-x", `http://127.0.0.1:${proxy.port}`],
  ]) {
    const got = await run("curl", ["-sS", ...flags, `http://[::1]:${web.port}/`]);
    assert.deepEqual([got.code, got.stdout], [0, "six\n"], flags[0]);
  }
});

test("A name is looked up on the server and never here: sshd is told the name.", limits, async () => {
  await using web = await httpServer("a page\n");
  await using program = await openProxy(await theSshd());
  await run("curl", ["-sS", "--socks5-hostname", `127.0.0.1:${program.port}`, `http://localhost:${web.port}/`]);
  const opened = await program.event("flow.open");
  assert.equal(opened["target"], `localhost:${web.port}`);
  const listening = await program.event("listening");
  assert.deepEqual([listening["kind"], listening.forward, listening["side"]], ["dynamic", "D1", "here"]);
});

test("20 MB of random bytes go down and 20 MB up through SOCKS5, with equal hashes.", limits, async () => {
  const size = 20_000_000;
  await using source = await sourceServer({ bytes: size, seed: 1 });
  await using sink = await sinkServer();
  const proxy = await theProxy();
  const down = createHash("sha256").update(bytes([5, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
  for (const chunk of randomChunks(size, 1)) down.update(chunk);
  await using reader = await through(proxy, "localhost", source.port);
  reader.end();
  await using writer = await through(proxy, "127.0.0.1", sink.port);
  await writer.send(randomChunks(size, 2));
  writer.end();
  const expected = { bytes: size + answerBytes, sha256: down.digest("hex"), ended: true };
  assert.deepEqual(await reader.received, expected);
  assert.deepEqual(await sink.received(), { ...(await sumOf(randomChunks(size, 2))), ended: true });
  assert.equal((await writer.received).ended, true);
});

for (const [what, flags] of [
  ["SOCKS5", ["-X", "5"]],
  ["SOCKS4", ["-X", "4"]],
  ["HTTP CONNECT", ["-X", "connect"]],
] as const) {
  test(`A half-close goes through ${what}: nc gets the answer that comes only after its end.`, limits, async () => {
    await using target = await lateAnswerServer();
    const proxy = await theProxy();
    const content = randomBytes(3_000_000, 3);
    const args = ["-N", ...flags, "-x", `127.0.0.1:${proxy.port}`, "127.0.0.1", String(target.port)];
    const got = await run("nc", args, { input: content });
    assert.deepEqual([got.code, got.stdout], [0, `${content.length} ${sha256(content)}\n`], got.stderr);
  });
}

test("What a client says before it was answered is not lost.", limits, async () => {
  await using target = await echoServer();
  const proxy = await theProxy();
  for (const request of [request4a("localhost", target.port), connectRequest(`localhost:${target.port}`)]) {
    await using client = await connectTo(proxy.port);
    await client.send([bytes([], "", request, Buffer.from("early and "))]);
    await client.send("late\n");
    client.end();
    await client.received;
    assert.match(client.text, /early and late\n$/s);
  }
});

test("A handshake in single bytes is understood.", limits, async () => {
  await using target = await echoServer();
  await using client = await connectTo((await theProxy()).port);
  for (const byte of connectRequest(`localhost:${target.port}`)) await client.send([Uint8Array.of(byte)]);
  await client.send("hello\n");
  client.end();
  await client.received;
  assert.equal(client.text, "HTTP/1.1 200 Connection established\r\n\r\nhello\n");
});

test("A reset by the client is one for the target, and the other flows go on.", limits, async () => {
  await using target = await playTarget();
  const proxy = await theProxy();
  const client = await through(proxy, target.host, target.port);
  await using other = await through(proxy, target.host, target.port);
  const [reset, still] = [await target.accepted(0), await target.accepted(1)];
  await client.send("before");
  await reset.got(6);
  client.reset();
  // sshd makes a clean end of a channel that was closed: SSH has no word for a reset.
  await reset.received;
  await still.send("there");
  await other.got(answerBytes + 5);
});

test("A target that resets ends its client's connection, and the other flows go on.", limits, async () => {
  await using target = await playTarget();
  await using proxy = await openProxy(await theSshd());
  await using client = await through(proxy, target.host, target.port);
  await using other = await through(proxy, target.host, target.port);
  const [end, still] = [await target.accepted(0), await target.accepted(1)];
  await client.send("before");
  await end.got(6);
  end.reset();
  // SSH has no word for it: an end comes first, and what is sent to a target that is gone breaks the flow.
  await client.received;
  await client.send(randomChunks(5_000_000));
  assert.equal((await proxy.event("flow.close")).reason, "aborted");
  await still.send("there");
  await other.got(answerBytes + 5);
});

test("ssh logs in through the proxy, with nc as its ProxyCommand.", limits, async () => {
  const sshd = await theSshd();
  const proxy = await theProxy();
  const command = `ProxyCommand=${findTool("nc")} -X 5 -x 127.0.0.1:${proxy.port} %h %p`;
  const said = await run("ssh", ["-F", "none", "-o", command, ...sshd.sshArgs, sshd.host, "echo through; cat"], {
    input: "all of it\n",
  });
  assert.deepEqual([said.code, said.stdout], [0, "through\nall of it\n"], said.stderr);
});

test("The capture shows on leg 1 the handshake as it was, and on leg 3 only what the target got.", limits, async () => {
  await using target = await echoServer();
  await using program = await openProxy(await theSshd(), { args: ["--capture", "out.pcapng"] });
  {
    await using client = await through(program, "localhost", target.port);
    await client.send("hello\n");
    client.end();
    await client.received;
  }
  await program.event("flow.close");
  program.signal("SIGTERM");
  assert.equal((await program.exit).code, 0);
  const file = `${program.home}/out.pcapng`;
  const handshake = bytes([5, 1, 0, 5, 1, 0, 3, 9], "localhost", Uint8Array.of(target.port >> 8, target.port & 255));
  const answer = bytes([5, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  const sum = (content: Uint8Array) => ({ bytes: content.length, sha256: sha256(content) });
  const hello = Buffer.from("hello\n");
  assert.deepEqual(await payloadOf(file, "leg1-app-listener", "up"), sum(bytes([], "", handshake, hello)));
  assert.deepEqual(await payloadOf(file, "leg1-app-listener", "down"), sum(bytes([], "", answer, hello)));
  assert.deepEqual(await payloadOf(file, "leg3-sshd-target", "up"), sum(hello));
  assert.deepEqual(await payloadOf(file, "leg3-sshd-target", "down"), sum(hello));
});

for (const runtime of ["bun", "deno"] as const) {
  test(`On ${runtime} a dynamic forward serves curl, carries 5 MB and tells a refusal.`, limits, async () => {
    await using web = await httpServer("a page\n");
    await using sink = await sinkServer();
    await using program = await openProxy(await theSshd(), { runtime });
    const proxy = `127.0.0.1:${program.port}`;
    const page = await run("curl", ["-sS", "--socks5-hostname", proxy, `http://localhost:${web.port}/`]);
    assert.deepEqual([page.code, page.stdout], [0, "a page\n"], page.stderr);
    const plain = await run("curl", ["-sS", "-x", `http://${proxy}`, `http://localhost:${web.port}/`]);
    assert.deepEqual([plain.code, plain.stdout], [0, "a page\n"], plain.stderr);
    await using writer = await through(program, "localhost", sink.port);
    await writer.send(randomChunks(5_000_000, 4));
    writer.end();
    assert.deepEqual(await sink.received(), { ...(await sumOf(randomChunks(5_000_000, 4))), ended: true });
    await sink.close();
    const closed = await run("curl", [
      "-sS",
      "--proxytunnel",
      "-x",
      `http://${proxy}`,
      `http://127.0.0.1:${sink.port}/`,
    ]);
    assert.equal(closed.code, 56, closed.stderr);
    assert.match(closed.stderr, /502/);
  });
}
