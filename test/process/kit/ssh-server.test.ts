import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { Client, ClientChannel, ConnectConfig } from "ssh2";
import { ssh2 } from "../../kit/loaded-ssh2.ts";
import { need } from "../../kit/packages.ts";
import { randomBytes, sha256 } from "../../kit/random.ts";
import { run } from "../../kit/run.ts";
import { lateAnswerServer, sourceServer } from "../../kit/servers.ts";
import { type SshServer, startSshServer } from "../../kit/ssh-server.ts";

const noSsh = need("ssh");
const timeout = 30_000;

test("Plain ssh knows its host key, runs a command on it and gets its exit code.", {
  skip: noSsh,
  timeout,
}, async () => {
  await using server = await startSshServer({
    exec: (command) => ({ stdout: `ran ${command}`, stderr: "warned", code: 7 }),
  });
  const told = await run("ssh", [...server.sshArgs, "-l", "anna", server.host, "make tea"]);
  assert.deepEqual([told.code, told.stdout, told.stderr], [7, "ran make tea", "warned"]);
  assert.deepEqual(server.counts.commands, ["make tea"]);
  assert.match(
    readFileSync(server.knownHostsFile, "utf8"),
    new RegExp(`^\\[127\\.0\\.0\\.1\\]:${server.port} ssh-ed25519 `),
  );
});

test("The half-close is kept in both directions, on IPv6 as well.", { skip: noSsh, timeout }, async () => {
  await using server = await startSshServer({ host: "::1" });
  await using late = await lateAnswerServer();
  const sent = randomBytes(300_000, 4);
  const up = await run("ssh", [...server.sshArgs, "-W", `127.0.0.1:${late.port}`, "::1"], { input: sent });
  assert.equal(up.stdout, `300000 ${sha256(sent)}\n`);
  await using source = await sourceServer({ bytes: 3_000_000, seed: 5 });
  const client = await login(server);
  const channel = await open(client, source.port);
  const got = await read(channel);
  assert.equal(sha256(got), sha256(randomBytes(3_000_000, 5)));
  assert.equal(server.openChannels, 1, "the up half is still open");
  channel.end();
  await server.idle();
  client.end();
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
