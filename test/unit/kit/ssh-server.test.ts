import assert from "node:assert/strict";
import { test } from "node:test";
import type { Client, ClientChannel, ConnectConfig } from "ssh2";
import { ssh2 } from "../../kit/loaded-ssh2.ts";
import { echoServer, freePort, resetServer, sourceServer } from "../../kit/servers.ts";
import { makeSshKey, type SshServer, startSshServer } from "../../kit/ssh-server.ts";
import { connectTo } from "../../kit/tcp-end.ts";

const timeout = 30_000;

test("With no rule everybody is let in, and a channel is really dialed.", { timeout }, async () => {
  await using server = await startSshServer();
  await using target = await echoServer();
  const client = await login(server);
  const channel = await open(client, target.port);
  channel.end("through the channel");
  assert.equal((await read(channel)).toString(), "through the channel");
  assert.deepEqual(
    server.counts.attempts.map(({ method, outcome }) => [method, outcome]),
    [["none", "accepted"]],
  );
  assert.deepEqual([server.counts.connections, server.counts.logins, server.counts.opened], [1, 1, 1]);
  assert.equal(server.counts.requests[0]?.destPort, target.port);
  await server.idle();
  assert.equal(server.openChannels, 0);
  client.end();
});

test("A password that is wrong is refused and the right one accepted.", { timeout }, async () => {
  await using server = await startSshServer({ user: "anna", password: "s3cret" });
  await assert.rejects(login(server, { username: "anna", password: "wrong" }), /authentication methods failed/);
  await assert.rejects(login(server, { username: "bob", password: "s3cret" }), /authentication methods failed/);
  (await login(server, { username: "anna", password: "s3cret" })).end();
  assert.deepEqual(
    server.counts.attempts.filter(({ method }) => method === "password").map(({ user, outcome }) => [user, outcome]),
    [
      ["anna", "refused"],
      ["bob", "refused"],
      ["anna", "accepted"],
    ],
  );
});

test("A key and then prompts in two rounds are asked for, one after the other.", { timeout }, async () => {
  const key = makeSshKey();
  await using server = await startSshServer({
    publicKey: key.public,
    rounds: [
      { title: "Token", prompts: [{ prompt: "First: " }], answers: ["one"] },
      { prompts: [{ prompt: "Second: ", echo: true }, { prompt: "Third: " }], answers: ["two", "three"] },
    ],
    require: ["publickey", "keyboard-interactive"],
  });
  const asked: unknown[] = [];
  const client = new ssh2.Client();
  client.on("keyboard-interactive", (title, _instructions, _language, prompts, finish) => {
    asked.push([title, prompts.map(({ prompt, echo }) => [prompt, echo])]);
    finish(prompts.map(({ prompt }) => prompt.replace(/(\w+): /, (_all, word: string) => answers[word] ?? "")));
  });
  const answers: Record<string, string> = { First: "one", Second: "two", Third: "three" };
  (await login(server, { privateKey: key.private, tryKeyboard: true }, client)).end();
  assert.deepEqual(asked, [
    ["Token", [["First: ", false]]],
    [
      "",
      [
        ["Second: ", true],
        ["Third: ", false],
      ],
    ],
  ]);
  const outcomes = server.counts.attempts.map(({ method, outcome }) => `${method} ${outcome}`);
  assert.deepEqual(outcomes.slice(-3), ["publickey probed", "publickey partial", "keyboard-interactive accepted"]);
});

test("Another key than the right one, and a wrong answer, are refused.", { timeout }, async () => {
  await using server = await startSshServer({
    publicKey: makeSshKey().public,
    rounds: [{ prompts: [{ prompt: "?" }], answers: ["right"] }],
  });
  await assert.rejects(login(server, { privateKey: makeSshKey().private }), /authentication methods failed/);
  const client = new ssh2.Client();
  client.on("keyboard-interactive", (_title, _instructions, _language, _prompts, finish) => finish(["left"]));
  await assert.rejects(login(server, { tryKeyboard: true }, client), /authentication methods failed/);
  assert.equal(server.counts.logins, 0);
});

test("A channel is refused with the reason that was chosen, and with 2 when nobody listens there.", {
  timeout,
}, async () => {
  const port = await freePort();
  await using server = await startSshServer({
    forward: ({ destPort }) => (destPort === port ? "dial" : { refuse: 1, text: `not ${destPort}` }),
  });
  const client = await login(server);
  await assert.rejects(open(client, 80), { reason: 1, message: /not 80/ });
  await assert.rejects(open(client, port), { reason: 2 });
  assert.equal(server.counts.refused, 2);
  client.end();
});

test("A channel open that is never answered stays open until the connection is dropped.", { timeout }, async () => {
  await using server = await startSshServer({ forward: () => "hang" });
  const client = await login(server);
  const closed = new Promise<void>((resolve) => client.on("close", () => resolve()));
  const pending = open(client, 80);
  pending.catch(() => {});
  await new Promise<void>((resolve, reject) => client.exec("true", (error) => (error ? resolve() : reject(error))));
  assert.equal(server.counts.requests.length, 1, "the later request was answered, the hanging one was not");
  server.drop();
  await closed;
  await assert.rejects(pending, /No response from server/);
});

test("The TCP connection is reset instead of a channel being opened, and the next login works.", {
  timeout,
}, async () => {
  await using server = await startSshServer({ forward: () => "drop" });
  const client = await login(server);
  await assert.rejects(open(client, 80), /No response from server/);
  (await login(server)).end();
});

test("A channel that is cut closes without EOF after exactly the bytes that were allowed.", { timeout }, async () => {
  await using source = await sourceServer({ bytes: 100_000 });
  await using whole = await startSshServer();
  assert.deepEqual(await download(whole, source.port), { bytes: 100_000, eof: true });
  await using cutting = await startSshServer({ forward: () => ({ cutAfterBytes: 1000 }) });
  assert.deepEqual(await download(cutting, source.port), { bytes: 1000, eof: false });
});

test("A channel that is closed without EOF has delivered all that its target sent.", { timeout }, async () => {
  await using source = await sourceServer({ bytes: 5_000_000 });
  await using server = await startSshServer({ forward: () => "dial-and-close-without-eof" });
  assert.deepEqual(await download(server, source.port), { bytes: 5_000_000, eof: false });
  await server.idle();
});

test("It listens where it is asked to, and brings each origin as a channel, with or without an EOF at its end.", {
  timeout,
}, async () => {
  for (const listen of ["close", "close-without-eof"] as const) {
    await using server = await startSshServer({ listen });
    const client = await login(server);
    let eof = false;
    onEof(client, () => {
      eof = true;
    });
    const got = new Promise<string>((resolve) => {
      client.on("tcp connection", (_info, accept) => {
        const channel = accept();
        channel.write("from the client");
        resolve(read(channel).then((bytes) => bytes.toString()));
      });
    });
    const port = await new Promise<number>((resolve, reject) => {
      client.forwardIn("localhost", 0, (error, bound) => (error ? reject(error) : resolve(bound)));
    });
    await using origin = await connectTo(port);
    await origin.got(15);
    await origin.send("from the origin");
    origin.end();
    assert.deepEqual([await got, eof], ["from the origin", listen === "close"]);
    client.end();
  }
});

test("What a client sends behind its own CLOSE is counted.", { timeout }, async () => {
  await using server = await startSshServer();
  await using target = await echoServer();
  const client = await login(server);
  const channel = await open(client, target.port);
  const { _protocol: protocol } = client as unknown as {
    _protocol: { channelWindowAdjust(id: number, by: number): void };
  };
  const { outgoing } = channel as unknown as { outgoing: { id: number } };
  protocol.channelWindowAdjust(outgoing.id, 1);
  channel.close();
  protocol.channelWindowAdjust(outgoing.id, 1);
  await server.idle();
  const other = await open(client, target.port);
  assert.deepEqual(server.counts.late, [`WINDOW_ADJUST for channel ${outgoing.id}`]);
  other.close();
  client.end();
});

test("A target that resets closes its channel.", { timeout }, async () => {
  await using server = await startSshServer();
  await using target = await resetServer(3);
  const client = await login(server);
  const channel = await open(client, target.port);
  channel.resume();
  channel.write("four");
  await new Promise<void>((resolve) => channel.on("close", () => resolve()));
  await server.idle();
  client.end();
});

test("The banner and the greeting are sent as they are, escape sequences and all.", { timeout }, async () => {
  const banner = "\u001b]0;owned\u0007\u001b[2Jwelcome\r\n";
  await using server = await startSshServer({ banner, greeting: "hello", ident: "Test_1.0" });
  const client = new ssh2.Client();
  const banners: string[] = [];
  const greetings: string[] = [];
  client.on("banner", (text) => banners.push(text));
  client.on("greeting", (text) => greetings.push(text));
  (await login(server, {}, client)).end();
  assert.deepEqual(banners, [banner]);
  assert.match(greetings.join(""), /hello/);
});

function login(server: SshServer, config: ConnectConfig = {}, client = new ssh2.Client()): Promise<Client> {
  return new Promise((resolve, reject) => {
    client.on("ready", () => resolve(client));
    client.on("error", reject);
    client.connect({ host: server.host, port: server.port, username: "anna", ...config });
  });
}

function open(client: Client, port: number): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    client.forwardOut("127.0.0.1", 1, "127.0.0.1", port, (error, channel) =>
      error ? reject(error) : resolve(channel),
    );
  });
}

function read(channel: ClientChannel): Promise<Buffer> {
  const chunks: Buffer[] = [];
  return new Promise((resolve) => {
    channel.on("data", (chunk: Buffer) => chunks.push(chunk));
    channel.on("end", () => resolve(Buffer.concat(chunks)));
  });
}

async function download(server: SshServer, port: number): Promise<{ readonly bytes: number; readonly eof: boolean }> {
  const client = await login(server);
  const channel = await open(client, port);
  const end = { bytes: 0, eof: false };
  onEof(client, () => {
    end.eof = true;
    channel.end();
  });
  channel.on("data", (chunk: Uint8Array) => {
    end.bytes += chunk.length;
  });
  await new Promise<void>((resolve) => channel.on("close", () => resolve()));
  client.end();
  return end;
}

/** ssh2 shows an EOF and a close without EOF alike as "end"; only its packet handler tells them apart. */
function onEof(client: Client, seen: () => void): void {
  const hidden = client as unknown as { _protocol: { _handlers: Record<string, (...args: unknown[]) => void> } };
  const handlers = hidden._protocol._handlers;
  const original = handlers["CHANNEL_EOF"];
  handlers["CHANNEL_EOF"] = (...args) => {
    seen();
    original?.(...args);
  };
}
