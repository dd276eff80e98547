import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { type AddressInfo, connect, createServer } from "node:net";
import { test } from "node:test";
import {
  askPort,
  portTableCommand,
  readListening,
  readSocketTable,
  socketTableCommand,
} from "../../../../src/codec/capture/socket-table.ts";
import { Transcript } from "../../../kit/transcript.ts";

/** Only Linux shows its sockets in /proc. */
const linux = { skip: process.platform !== "linux" && "needs /proc/net/tcp", timeout: 20_000 };

test(
  "The command answers on a real system: who asks, and then each question with the rows of that port.",
  linux,
  async () => {
    await using pair = await loopbackPair();
    // As sshd does it: the process that starts the shell is the one that holds the sockets.
    const shell = spawn("/bin/sh", ["-c", `exec ${socketTableCommand}`], { stdio: ["pipe", "pipe", "inherit"] });
    const said = new Transcript("the shell");
    shell.stdout.setEncoding("latin1").on("data", (text: string) => said.add(text));
    const [, uid] = await said.until(/^(\d+)\n\.\n/);
    assert.equal(Number(uid), process.getuid?.());
    const ask = async (port: number) => {
      const after = said.text.length;
      shell.stdin.write(askPort(port));
      const [, answer = ""] = await said.until(/^([\s\S]*?)\.\n/, { after });
      return readSocketTable(answer.split("\n"));
    };
    const { rows, own } = await ask(pair.serverPort);
    const ours = rows.filter(({ established }) => established);
    assert.deepEqual(new Set(ours.map(({ local }) => local.port)), new Set([pair.clientPort, pair.serverPort]));
    assert.ok(
      ours.every(({ inode }) => own.has(inode)),
      "both ends are held by this process",
    );
    assert.deepEqual((await ask(1)).rows, []);
    const ended = new Promise((resolve) => shell.on("close", resolve));
    shell.stdin.end();
    assert.equal(await ended, 0, "it ends with its stdin");
  },
);

/** Two sockets of this process that are connected with each other. */
async function loopbackPair() {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const serverPort = (server.address() as AddressInfo).port;
  const accepted = new Promise<void>((resolve) => server.once("connection", () => resolve()));
  const client = connect(serverPort, "127.0.0.1");
  await Promise.all([accepted, new Promise<void>((resolve) => client.once("connect", () => resolve()))]);
  return {
    serverPort,
    clientPort: client.localPort,
    async [Symbol.asyncDispose]() {
      client.resetAndDestroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test("The system's own answer to the question about a port, or all ports, shows who listens.", linux, async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  for (const asked of [port, 0]) {
    const shell = spawn("sh", ["-c", portTableCommand(asked)], { stdio: ["ignore", "pipe", "ignore"] });
    const chunks: Uint8Array[] = [];
    shell.stdout.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    await new Promise((resolve) => shell.on("close", resolve));
    const rows = readListening(String(Buffer.concat(chunks)).split("\n")).filter((row) => row.port === port);
    assert.deepEqual(
      rows.map(({ host }) => host),
      ["127.0.0.1"],
      String(asked),
    );
  }
  server.close();
});
