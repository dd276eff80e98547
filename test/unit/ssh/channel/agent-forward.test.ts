import assert from "node:assert/strict";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { agentChannels, forwardedAgent, isAgentThere } from "../../../../src/ssh/channel/agent-forward.ts";
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
    const sides = agentChannels(path, () => assert.fail());
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

test("An agent that is gone cannot be dialed.", async () => {
  await assert.rejects(agentChannels("/nonexistent/agent", () => assert.fail()).dial(), /\/nonexistent\/agent/);
});
