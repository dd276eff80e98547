/** Reverse dynamic forwards: whoever is on the server reaches what this machine reaches, and all that it says arrives. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { bytes, connectRequest, request4, request4a } from "../kit/proxy-bytes.ts";
import { randomChunks, sumOf } from "../kit/random.ts";
import { run } from "../kit/run.ts";
import { freePort, httpServer, lateAnswerServer, sinkServer, sourceServer } from "../kit/servers.ts";
import { startSshd } from "../kit/sshd.ts";
import { connectTo, playTarget } from "../kit/tcp-end.ts";
import { answerBytes, openProxy, type RunningProxy, socks5, through } from "./proxy.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen", "curl", "nc"), timeout: 60_000 };
// A server that dials nobody: what is reached is reached from here, and names are looked up here.
const theSshd = shared(() => startSshd({ config: ["AllowTcpForwarding remote"] }));
const theProxy = shared(async () => openProxy(await theSshd(), { flag: "-R" }));

for (const runtime of ["compiled", "deno"] as const) {
  test(`On ${runtime} 20 MB of random bytes go down and 20 MB up at a time, with equal hashes.`, limits, async () => {
    const size = 20_000_000;
    await using source = await sourceServer({ bytes: size, seed: 1 });
    await using sink = await sinkServer();
    await using proxy = await openProxy(await theSshd(), { flag: "-R", runtime });
    const down = createHash("sha256").update(bytes([5, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
    for (const chunk of randomChunks(size, 1)) down.update(chunk);
    await using reader = await through(proxy, "localhost", source.port);
    // Under Deno an end that is followed by a pause may be taken for a break (src/io/README.md).
    if (runtime !== "deno") reader.end();
    await using writer = await through(proxy, "127.0.0.1", sink.port);
    await writer.send(randomChunks(size, 2));
    writer.end();
    await reader.got(size + answerBytes);
    reader.end();
    assert.deepEqual(await reader.received, { bytes: size + answerBytes, sha256: down.digest("hex"), ended: true });
    assert.deepEqual(await sink.received(), { ...(await sumOf(randomChunks(size, 2))), ended: true });
    assert.deepEqual([(await writer.received).bytes, (await writer.received).ended], [answerBytes, true]);
  });
}

test("curl gets a page by every protocol, by address and by a name that is looked up here.", limits, async () => {
  await using web = await httpServer("a page\n");
  const at = `127.0.0.1:${(await theProxy()).port}`;
  for (const flags of [
    ["--socks4", at],
    ["--socks4a", at],
    ["--socks5", at],
    ["--socks5-hostname", at],
    ["--proxytunnel", "-x", `http://${at}`],
  ]) {
    for (const host of ["127.0.0.1", "localhost"]) {
      const got = await run("curl", ["-sS", ...flags, `http://${host}:${web.port}/`]);
      assert.deepEqual([got.code, got.stdout, got.stderr], [0, "a page\n", ""], `${flags[0]} ${host}`);
    }
  }
});

test("SOCKS4a and HTTP CONNECT with a name lead to where this machine finds it.", limits, async () => {
  await using target = await lateAnswerServer();
  const proxy = await theProxy();
  for (const [request, granted] of [
    [request4a("localhost", target.port), "\0\x5a\0\0\0\0\0\0"],
    [connectRequest(`localhost:${target.port}`), "HTTP/1.1 200 Connection established\r\n\r\n"],
  ] as const) {
    await using client = await connectTo(proxy.port);
    await client.send([bytes([], "", request, Buffer.from("hello"))]);
    client.end();
    assert.equal((await client.received).ended, true);
    assert.equal(client.text.slice(0, granted.length), granted);
    assert.match(client.text.slice(granted.length), /^5 [0-9a-f]{64}\n$/);
  }
  await proxy.event("flow.open", (event) => event["target"] === `localhost:${target.port}`);
});

test("Each half ends on its own, whichever side ends first.", limits, async () => {
  await using target = await playTarget();
  const proxy = await theProxy();
  await using asking = await through(proxy, target.host, target.port);
  const asked = await target.accepted(0);
  await asking.send("a question");
  asking.end();
  assert.deepEqual([(await asked.received).ended, asked.text], [true, "a question"]);
  await asked.send("a late answer");
  asked.end();
  const answer = await asking.received;
  assert.deepEqual([answer.ended, answer.bytes], [true, answerBytes + "a late answer".length]);
  await using telling = await through(proxy, target.host, target.port);
  const told = await target.accepted(1);
  told.end();
  assert.equal((await telling.received).ended, true);
  await telling.send("still here");
  telling.end();
  assert.deepEqual([(await told.received).ended, told.text], [true, "still here"]);
});

test(
  "A target that refuses, and a name that nobody knows here, are told in each protocol's words.",
  limits,
  async () => {
    await using proxy = await openProxy(await theSshd(), { flag: "-R" });
    const port = await freePort();
    assert.equal(await replyTo(proxy, "127.0.0.1", port), 5);
    assert.equal(await replyTo(proxy, "no-such-host.invalid", 80), 4);
    assert.equal(await said(proxy, request4("127.0.0.1", port)), "\x00\x5b\x00\x00\x00\x00\x00\x00");
    assert.equal(await said(proxy, request4a("no-such-host.invalid", 80)), "\x00\x5b\x00\x00\x00\x00\x00\x00");
    assert.match(
      await said(proxy, connectRequest(`127.0.0.1:${port}`)),
      /^HTTP\/1\.1 502 .*\r\n\r\n.*refused the connection from here\n$/s,
    );
    assert.match(await said(proxy, connectRequest("no-such-host.invalid:80")), /^HTTP\/1\.1 502 .*unknown name\n$/s);
    const errors = () => proxy.events.filter(({ event }) => event === "error");
    await proxy.event("error", () => errors().length === 6);
    assert.deepEqual(
      errors().map(({ code, leg }) => [code, leg]),
      ["refused", "unreachable", "refused", "unreachable", "refused", "unreachable"].map((how) => [`target.${how}`, 3]),
    );
  },
);

test(
  "A target that resets breaks the flow, is told as leg 3's, and its client is not left hanging.",
  limits,
  async () => {
    await using target = await playTarget();
    await using proxy = await openProxy(await theSshd(), { flag: "-R" });
    await using client = await through(proxy, target.host, target.port);
    await client.send("hello");
    const end = await target.accepted();
    await end.got(5);
    end.reset();
    assert.equal((await client.received).bytes, answerBytes);
    const { reason, error } = (await proxy.event("flow.close")) as { reason?: string; error?: { leg?: number } };
    assert.deepEqual([reason, error?.leg], ["aborted", 3]);
  },
);

test("A client that resets, asking or carried, leaves nothing behind, and the others go on.", limits, async () => {
  await using target = await playTarget();
  await using proxy = await openProxy(await theSshd(), { flag: "-R" });
  for (const begin of [[], [5], [5, 1, 0], [5, 1, 0, 5, 1, 0, 3, 9]]) {
    const client = await connectTo(proxy.port);
    await client.send([Uint8Array.from(begin)]);
    client.reset();
  }
  const client = await through(proxy, target.host, target.port);
  await client.send("hello");
  const end = await target.accepted();
  await end.got(5);
  client.reset();
  // SSH has no word for a reset: the target hears an end.
  await end.received;
  end.end();
  await proxy.event("flow.close");
  await using other = await through(proxy, target.host, target.port);
  await (await target.accepted(1)).send("there");
  await other.got(answerBytes + 5);
});

async function replyTo(proxy: RunningProxy, host: string, port: number): Promise<number> {
  const { client, reply } = await socks5(proxy, host, port);
  await using own = client;
  assert.equal((await own.received).ended, true, "a refusal ends cleanly");
  return reply;
}

/** All that the proxy says to this, up to a clean end. */
async function said(proxy: RunningProxy, request: Uint8Array): Promise<string> {
  await using client = await connectTo(proxy.port);
  await client.send([request]);
  assert.equal((await client.received).ended, true, "a refusal ends cleanly");
  return client.text;
}
