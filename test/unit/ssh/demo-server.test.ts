import assert from "node:assert/strict";
import { test } from "node:test";
import type { Client, ClientChannel, ConnectConfig } from "ssh2";
import { askPort, readSocketTable, socketTableCommand } from "../../../src/codec/capture/socket-table.ts";
import { type DemoServer, startDemoServer } from "../../../src/ssh/demo-server.ts";
import { loadSsh2 } from "../../../src/ssh/loader.ts";
import { ssh2 } from "../../kit/loaded-ssh2.ts";
import { echoServer, freePort, resetServer, sourceServer, type TargetServer } from "../../kit/servers.ts";
import { makeSshKey } from "../../kit/ssh-server.ts";
import { Waiting } from "../../kit/waiting.ts";

const timeout = 30_000;

async function start(target: Pick<TargetServer, "host" | "port">) {
  const server = await startDemoServer(await loadSsh2(), { host: target.host, port: target.port });
  return Object.assign(server, { [Symbol.dispose]: () => server.close() });
}

function logIn(server: DemoServer, changes: Partial<ConnectConfig> = {}): Promise<Client> {
  const client = new ssh2.Client();
  return new Promise((resolve, reject) => {
    client.on("ready", () => resolve(client));
    client.on("error", reject);
    client.connect({
      host: "127.0.0.1",
      port: server.port,
      username: server.user,
      privateKey: server.privateKey,
      ...changes,
    });
  });
}

function open(client: Client, port: number, host = "127.0.0.1"): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    client.forwardOut("127.0.0.1", 1, host, port, (error, channel) => (error ? reject(error) : resolve(channel)));
  });
}

function execute(client: Client, command: string): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    client.exec(command, (error, channel) => (error ? reject(error) : resolve(channel)));
  });
}

/** What comes until the channel's end. */
async function read(channel: ClientChannel): Promise<string> {
  let text = "";
  channel.stderr.resume();
  channel.setEncoding("latin1").on("data", (chunk: string) => {
    text += chunk;
  });
  await new Promise<void>((resolve) => channel.on("close", () => resolve()));
  return text;
}

test("Its user gets in with its key, and finds the host key that was told.", { timeout }, async () => {
  await using target = await echoServer();
  using server = await start(target);
  const keys: Buffer[] = [];
  const client = await logIn(server, { hostVerifier: (key: Buffer) => keys.push(Buffer.from(key)) > 0 });
  assert.ok(keys[0]?.equals(server.hostKey));
  client.end();
});

test("Nobody else gets in, and no other key.", { timeout }, async () => {
  await using target = await echoServer();
  using server = await start(target);
  for (const changes of [
    { username: "root" },
    { privateKey: makeSshKey().private },
    { privateKey: undefined as never, password: "demo" },
  ]) {
    await assert.rejects(logIn(server, changes), /authentication methods failed/);
  }
});

test("Each run has keys of its own.", { timeout }, async () => {
  await using target = await echoServer();
  using one = await start(target);
  using two = await start(target);
  assert.equal(one.hostKey.equals(two.hostKey), false);
  assert.notEqual(one.privateKey, two.privateKey);
});

test("It forwards to its target, both ways and to the end, and to nothing else.", { timeout }, async () => {
  await using target = await echoServer();
  await using other = await echoServer();
  using server = await start(target);
  const client = await logIn(server);
  const channel = await open(client, target.port);
  channel.end("through");
  assert.equal(await read(channel), "through");
  await assert.rejects(open(client, other.port), /open failure/i);
  await assert.rejects(open(client, target.port, "localhost"), /open failure/i);
  assert.equal(other.accepted, 0);
  client.end();
});

test("A target that is gone refuses the channel, and one that resets closes it.", { timeout }, async () => {
  const port = await freePort();
  using gone = await start({ host: "127.0.0.1", port });
  const first = await logIn(gone);
  await assert.rejects(open(first, port), /open failure/i);
  first.end();
  await using reset = await resetServer(1);
  using server = await start(reset);
  const second = await logIn(server);
  const channel = await open(second, reset.port);
  channel.write("x");
  assert.equal(await read(channel), "");
  second.end();
});

test("Asked for its sockets it tells the true ones of the forward that is open.", { timeout }, async () => {
  await using target = await sourceServer(Buffer.from("hello"));
  using server = await start(target);
  const client = await logIn(server);
  const shell = await execute(client, socketTableCommand);
  const waiting = new Waiting();
  let said = "";
  shell.setEncoding("latin1").on("data", (text: string) => {
    said += text;
    waiting.change();
  });
  const answers = (count: number) =>
    waiting.until(`${count} answers`, () => {
      const parts = said.split(/^\.\n/m);
      return parts.length > count ? parts : undefined;
    });
  assert.match((await answers(1))[0] ?? "", /^\d+\n$/, "the user's number first");
  shell.write(askPort(target.port));
  assert.equal((await answers(2))[1], "", "nothing is open yet");
  await open(client, target.port);
  shell.write(askPort(target.port));
  const { rows } = readSocketTable(((await answers(3))[2] ?? "").split("\n"));
  assert.deepEqual(
    rows.map(({ remote, established }) => [remote, established]),
    [[{ host: "127.0.0.1", port: target.port }, true]],
  );
  client.end();
});

test("Any other command ends at once with 0 and says nothing: it has no shell.", { timeout }, async () => {
  await using target = await echoServer();
  using server = await start(target);
  const client = await logIn(server);
  const told = await new Promise((resolve, reject) => {
    client.exec("cat /etc/passwd", (error, channel) => {
      if (error !== undefined) return reject(error);
      // All of it may come at once: whoever listens later hears nothing.
      let code: number | undefined;
      channel.on("exit", (status: number) => {
        code = status;
      });
      read(channel).then((text) => resolve([text, code]), reject);
    });
  });
  assert.deepEqual(told, ["", 0]);
  client.end();
});

test("A close ends its connections and gives the port back.", { timeout }, async () => {
  await using target = await echoServer();
  const server = await start(target);
  const client = await logIn(server);
  const closed = new Promise<void>((resolve) => client.on("close", () => resolve()));
  server.close();
  await closed;
  await assert.rejects(logIn(server));
});
