import assert from "node:assert/strict";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { sessionBind } from "../../../../src/codec/session/session-bind.ts";
import { agentChannels, forwardedAgent, isAgentThere } from "../../../../src/ssh/channel/agent-forward.ts";
import { startMadeUpAgent } from "../../../kit/made-up-agent.ts";
import { connPair, readAll } from "../../../kit/memory-conn.ts";
import { tempDirectory } from "../../../kit/temp.ts";

const environment = { SSH_AUTH_SOCK: "/run/agent", MY_AGENT: "/run/mine" };

for (const [said, path] of [
  ["no", undefined],
  ["No", undefined],
  ["yes", "/run/agent"],
  ["YES", "/run/agent"],
  ["$MY_AGENT", "/run/mine"],
  ["$NOT_SET", undefined],
  ["/run/other", "/run/other"],
] as const) {
  test(`ForwardAgent ${said} is ${path ?? "no agent"}.`, () => {
    assert.equal(forwardedAgent(said, environment), path);
  });
}

test("Without SSH_AUTH_SOCK there is no agent to forward.", () => {
  assert.equal(forwardedAgent("yes", {}), undefined);
});

test("An agent is there when somebody listens on its socket, and is talked to as it is.", async () => {
  const path = join(tempDirectory("agent"), "socket");
  assert.equal(await isAgentThere(path), false);
  // It says back what it heard once it has heard all of it.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const heard: Uint8Array[] = [];
    socket.on("data", (chunk) => heard.push(chunk));
    socket.on("end", () => socket.end(Buffer.concat(heard)));
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  try {
    assert.equal(await isAgentThere(path), true);
    const sides = agentChannels(path, undefined, () => assert.fail());
    const [far, channel] = connPair();
    const carried = sides.carry(channel, await sides.dial());
    await far.write(Buffer.from("list your keys"));
    await far.end();
    assert.equal(String(await readAll(far)), "list your keys");
    await carried;
  } finally {
    server.close();
  }
});

const binding = { hostKey: Buffer.from("key"), sessionId: Buffer.from("id"), signature: Buffer.from("signature") };

for (const [how, answer, connections] of [
  ["takes the binding", Uint8Array.of(6), 1],
  ["does not know the binding", Uint8Array.of(5), 1],
  ["hangs up at the binding", undefined, 2],
] as const) {
  test(`An agent that ${how} is used, and the server's questions come after the binding.`, async () => {
    await using agent = await startMadeUpAgent((message) => (message[0] === 27 ? answer : message));
    const conn = await agentChannels(agent.path, binding, () => assert.fail()).dial();
    const question = Buffer.from([0, 0, 0, 1, 11]);
    await conn.write(question);
    assert.deepEqual(await conn.read(), question);
    await conn.end();
    assert.equal(agent.conversations.length, connections);
    assert.deepEqual(agent.conversations[0]?.[0], sessionBind(binding, true));
  });
}

test("An agent whose answer to the binding makes no sense is not handed to the server.", async () => {
  // Two answers in one: the second would be read as the answer to the server's first question.
  const speaksTwice = await startSpeaker(Buffer.from([0, 0, 0, 1, 6, 0, 0, 0, 1, 12]));
  const endless = await startSpeaker(Buffer.from([0xff, 0xff, 0xff, 0xff]));
  try {
    for (const speaker of [speaksTwice, endless]) {
      await assert.rejects(agentChannels(speaker.path, binding, () => assert.fail()).dial(), /makes no sense/);
    }
  } finally {
    speaksTwice.close();
    endless.close();
  }
});

test("An agent that is gone cannot be dialed.", async () => {
  await assert.rejects(
    agentChannels("/nonexistent/agent", undefined, () => assert.fail()).dial(),
    /\/nonexistent\/agent/,
  );
});

/** Says the same to everybody, at once. */
async function startSpeaker(words: Uint8Array) {
  const path = join(tempDirectory("speaker"), "socket");
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.resume();
    socket.write(words);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return { path, close: () => server.close() };
}
