/** A program that keeps its connections to a proxy open for the next request, where the proxy ends them after each one. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";

import { findTool, need } from "../kit/packages.ts";
import { run } from "../kit/run.ts";
import { startSshd } from "../kit/sshd.ts";
import { openProxy } from "./proxy.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen", "node"), timeout: 120_000 };
const requests = 100;

/** Sends all requests at once through few kept connections, and prints what came back. */
const client = `
import { Agent, request } from "node:http";
const [port, base, maxSockets] = process.argv.slice(1);
const agent = new Agent({ keepAlive: true, maxSockets: Number(maxSockets) });
const ask = (index) => new Promise((resolve) => {
  const method = index % 2 === 0 ? "GET" : "POST";
  const body = method === "GET" ? "" : "x".repeat(1000 + index);
  const asked = request({ host: "127.0.0.1", port, agent, method, path: base + "/" + index }, (answer) => {
    let text = "";
    answer.on("data", (chunk) => (text += chunk));
    answer.on("close", () => resolve(text));
  });
  asked.on("error", (error) => resolve(error.code));
  asked.end(body);
});
const all = await Promise.all(Array.from({ length: ${requests} }, (_, index) => ask(index)));
console.log(all.join("\\n"));
`;

test("A program that keeps its connections loses no request, and sends none twice.", limits, async () => {
  await using sshd = await startSshd();
  await using proxy = await openProxy(sshd);
  for (const maxSockets of [1, 4]) {
    const heard: string[] = [];
    await using web = await origin(heard);
    const args = ["--input-type=module", "-e", client, String(proxy.port), web.base, String(maxSockets)];
    const { code, stdout, stderr } = await run(findTool("node") ?? "node", args);
    assert.equal(code, 0, stderr);
    const expected = Array.from({ length: requests }, (_, index) =>
      index % 2 === 0 ? `GET /${index} 0` : `POST /${index} ${1000 + index}`,
    );
    assert.deepEqual(stdout.trim().split("\n"), expected);
    assert.deepEqual(heard.toSorted(), expected.toSorted());
  }
});

/** A web server that says what it was asked, and how long the body was. It keeps its connections, whatever it is asked. */
async function origin(heard: string[]) {
  const server = createServer(async (request, response) => {
    let length = 0;
    for await (const chunk of request) length += (chunk as Uint8Array).length;
    const said = `${request.method} ${request.url} ${length}`;
    heard.push(said);
    response.setHeader("Connection", "keep-alive");
    response.end(said);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
