/** Proxies among people who mean no good: garbage, silence, resets in every phase and heads without end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { bytes, greeting5, request4a, request5 } from "../kit/proxy-bytes.ts";
import { randomBytes } from "../kit/random.ts";
import { echoServer } from "../kit/servers.ts";
import { startSshd } from "../kit/sshd.ts";
import { connectTo, type TcpEnd } from "../kit/tcp-end.ts";
import { assertClean } from "./failure.ts";
import { answerBytes, openProxy, type RunningProxy, through } from "./proxy.ts";
import { closedFiles, notLinux, openFiles, residentBytes, tidyMemory } from "./resident.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen") || notLinux, timeout: 120_000 };
const theSshd = shared(() => startSshd());
const megabyte = 1_000_000;
const flags = ["-D", "-R"] as const;

for (const flag of flags) {
  test(
    `A thousand clients of ${flag} that speak garbage are hung up on, and nothing of theirs is shown raw.`,
    limits,
    async () => {
      await using target = await echoServer();
      await using proxy = await openProxy(await theSshd(), { flag, env: tidyMemory });
      await serves(proxy, target.port);
      const before = look(proxy);
      await crowd(1000, async (index) => {
        await using client = await connectTo(proxy.port);
        const noise = randomBytes(1 + (index % 700), index);
        // Every protocol gets its share of what only begins like it.
        const first = [4, 5, 67, 27][index % 4] ?? 0;
        await client.send([bytes([first], "", noise)]);
        client.end();
        await client.received;
      });
      await serves(proxy, target.port);
      await hasLetGo(proxy, before);
      const exit = await stop(proxy);
      assert.doesNotMatch(exit.stderr, /internal/);
    },
  );

  test(
    `Five hundred handshakes with ${flag} that stop in the middle keep nobody waiting, and are cut off.`,
    limits,
    async () => {
      await using target = await echoServer();
      await using proxy = await openProxy(await theSshd(), { flag, env: tidyMemory });
      await serves(proxy, target.port);
      const before = look(proxy);
      const beginnings = [[], [5], [5, 1, 0, 5, 1, 0, 3, 200], [4, 1, 0, 80, 0, 0], [67, 79, 78], [5, 1, 0]];
      const halves: TcpEnd[] = [];
      while (halves.length < 500) {
        const client = await connectTo(proxy.port);
        const beginning = beginnings[halves.length % beginnings.length] ?? [];
        await client.send([Uint8Array.from(beginning)]);
        halves.push(client);
        // Its answer says that those before it were accepted: of more than 128 at a time the kernel forgets some.
        if (halves.length % beginnings.length === 0) await client.got(2);
      }
      await serves(proxy, target.port);
      for (const client of halves) await client.received;
      for (const client of halves) await client[Symbol.asyncDispose]();
      await hasLetGo(proxy, before);
      await stop(proxy);
    },
  );

  test(`Clients of ${flag} that reset in any phase leave nothing behind.`, limits, async () => {
    await using target = await echoServer();
    await using proxy = await openProxy(await theSshd(), { flag, env: tidyMemory });
    await serves(proxy, target.port);
    const before = look(proxy);
    const asked = bytes([], "", greeting5, request5("localhost", target.port));
    await crowd(600, async (index) => {
      const client = await connectTo(proxy.port);
      const phase = index % 6;
      if (phase === 1) await client.send([greeting5]);
      if (phase === 2) await client.send([asked.subarray(0, asked.length - 1)]);
      if (phase >= 3) await client.send([asked]);
      if (phase >= 4) await client.got(answerBytes);
      if (phase === 5) await client.send([randomBytes(100_000)]);
      client.reset();
    });
    await serves(proxy, target.port);
    await hasLetGo(proxy, before);
    await stop(proxy);
  });

  test(`Heads, names and words without end are refused by ${flag} in bounded memory.`, limits, async () => {
    await using target = await echoServer();
    await using proxy = await openProxy(await theSshd(), { flag, env: tidyMemory });
    await serves(proxy, target.port);
    const before = look(proxy);
    const endless = Array.from({ length: 160 }, () => Buffer.alloc(65_536, "x: y\r\n"));
    const clients = await Promise.all(
      Array.from({ length: 40 }, async (_, index) => {
        const client = await connectTo(proxy.port);
        const begin = [
          Buffer.from("CONNECT localhost:80 HTTP/1.1\r\n"),
          Buffer.from("CONNECT "),
          Buffer.from("PUT http://localhost:80/ HTTP/1.1\r\n"),
          bytes([4, 1, 0, 80, 0, 0, 0, 1]),
          request4a("x".repeat(300), 80),
        ][index % 5];
        const sending = client.send([begin ?? greeting5, ...endless]);
        return { client, sending };
      }),
    );
    await serves(proxy, target.port);
    for (const { client, sending } of clients) {
      const { bytes: got } = await client.received;
      assert.ok(got < 1000, `${got} bytes of an answer`);
      await client[Symbol.asyncDispose]();
      await sending;
    }
    await hasLetGo(proxy, before);
    await stop(proxy);
  });
}

for (const flag of flags) {
  test(`Names that ${flag} is asked for are shown harmlessly, whatever stands in them.`, limits, async () => {
    await using proxy = await openProxy(await theSshd(), { flag, args: ["--use", "log", "--log", "debug"] });
    const names = [
      "\u001b[2J",
      "a\nb.invalid",
      "a\0b",
      "",
      "x".repeat(255),
      "\u009b2J",
      "-oProxyCommand=x",
      "a b",
      "%n",
    ];
    for (const name of names) {
      for (const request of [
        bytes([], "", greeting5, request5(Buffer.from(name, "latin1").toString("latin1"), 80)),
        bytes([], "", request4a(name.replaceAll("\0", ""), 80)),
        bytes([], `CONNECT ${name}:80 HTTP/1.1\r\n\r\n`),
      ]) {
        await using client = await connectTo(proxy.port);
        await client.send([request]);
        client.end();
        await client.received;
        const isGranted = granted.some((answer) => client.text.startsWith(answer));
        assert.equal(isGranted, false, JSON.stringify(name));
      }
    }
    await stop(proxy);
  });
}

const granted = ["HTTP/1.1 200", "\0\x5a", "\x05\0\x05\0"];

interface Look {
  readonly files: number;
  readonly bytes: number;
}

function look({ pid }: RunningProxy): Look {
  return { files: openFiles(pid), bytes: residentBytes(pid) };
}

async function serves(proxy: RunningProxy, port: number): Promise<void> {
  await using client = await through(proxy, "127.0.0.1", port);
  await client.send("hello");
  await client.got(answerBytes + 5);
  client.end();
  await client.received;
}

async function hasLetGo(proxy: RunningProxy, before: Look): Promise<void> {
  await closedFiles(proxy.pid, before.files);
  // Measured: 9 to 33 MB.
  const grown = residentBytes(proxy.pid) - before.bytes;
  assert.ok(grown < 100 * megabyte, `memory grew by ${grown}`);
}

async function stop(proxy: RunningProxy) {
  proxy.signal("SIGTERM");
  const exit = await proxy.exit;
  assert.equal(exit.code, 0, exit.stderr.slice(-2000));
  assertClean(exit);
  return exit;
}

/** Runs `client` so many times, a few of them at once. */
async function crowd(count: number, client: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await client(next++);
  };
  await Promise.all(Array.from({ length: 20 }, worker));
}
