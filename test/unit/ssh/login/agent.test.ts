import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { type SessionBinding, sessionBind } from "../../../../src/codec/session/session-bind.ts";
import { writeStrings } from "../../../../src/codec/ssh-string.ts";
import { loadSsh2 } from "../../../../src/ssh/loader.ts";
import { Agent, agentSocket } from "../../../../src/ssh/login/agent.ts";
import { startMadeUpAgent } from "../../../kit/made-up-agent.ts";
import { removeTemp, tempDirectory } from "../../../kit/temp.ts";

const impatient = { listMs: 50, signMs: 50 };

/** An agent that plays `serve` on each connection. */
async function fakeAgent(serve: (socket: Socket) => void) {
  const directory = tempDirectory("agent");
  const path = join(directory, "agent");
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    path,
    connections: () => sockets.size,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      removeTemp(directory);
    },
  };
}

test("A socket that nobody listens on, or that is none, is an error that names it", async () => {
  const ssh2 = await loadSsh2();
  const directory = tempDirectory("agent");
  const file = join(directory, "file");
  writeFileSync(file, "");
  for (const path of [join(directory, "nothing"), file]) {
    await assert.rejects(new Agent(ssh2, path).list(), new RegExp(`no agent can be reached at ${path}`));
  }
  removeTemp(directory);
});

test("An agent that never answers is given up, and its connection closed", async () => {
  let closed: () => void = () => {};
  const gone = new Promise<void>((resolve) => {
    closed = resolve;
  });
  await using agent = await fakeAgent((socket) => {
    socket.resume();
    socket.on("close", closed);
  });
  await assert.rejects(new Agent(await loadSsh2(), agent.path, impatient).list(), /did not answer within 0.05 s/);
  await gone;
});

test("An agent is not waited for when the login is aborted", async () => {
  await using agent = await fakeAgent((socket) => socket.resume());
  const abort = new AbortController();
  const listing = new Agent(await loadSsh2(), agent.path).list(abort.signal);
  abort.abort(new Error("the session is gone"));
  await assert.rejects(listing, /the session is gone/);
});

test("Answers that make no sense are errors, and huge ones are not waited for", async () => {
  const ssh2 = await loadSsh2();
  const table: [answer: Buffer, expected: RegExp][] = [
    [Buffer.from([0xff, 0xff, 0xff, 0xff, 12]), /makes no sense/],
    [Buffer.from([0, 0, 0, 0]), /makes no sense/],
    [Buffer.from([0, 0, 0, 1, 5]), /does not list its keys/],
    [Buffer.alloc(0), /closed the connection/],
    [Buffer.from([0, 0, 0, 9, 12]), /closed the connection/],
  ];
  for (const [answer, expected] of table) {
    await using agent = await fakeAgent((socket) => {
      socket.resume();
      socket.end(answer);
    });
    await assert.rejects(new Agent(ssh2, agent.path).list(), expected);
  }
});

test("A list that ends too early, or comes byte by byte, gives the keys that are whole", async () => {
  const ssh2 = await loadSsh2();
  const blob = writeStrings("ssh-ed25519", Buffer.alloc(32));
  const count = Buffer.from([0, 0, 0, 3]);
  const message = Buffer.concat([Buffer.from([12]), count, writeStrings(blob, "one"), writeStrings("nonsense", "two")]);
  await using agent = await fakeAgent((socket) => {
    socket.resume();
    for (const byte of writeStrings(message)) socket.write(Buffer.from([byte]));
  });
  assert.deepEqual(await new Agent(ssh2, agent.path).list(), [{ blob, type: "ssh-ed25519", comment: "one" }]);
});

const binding: SessionBinding = {
  hostKey: Buffer.from("key"),
  sessionId: Buffer.from("id"),
  signature: Buffer.from("signature"),
};
const bind = sessionBind(binding, false);
const [success, failure, list] = [Uint8Array.of(6), Uint8Array.of(5), Uint8Array.of(11)];

function keys(...comments: readonly string[]): Buffer {
  const blob = (comment: string) => writeStrings("ssh-ed25519", Buffer.alloc(32, comment));
  const all = comments.map((comment) => writeStrings(blob(comment), comment));
  return Buffer.concat([Buffer.from([12, 0, 0, 0, comments.length]), ...all]);
}

for (const [answer, isBound] of [
  [success, true],
  [failure, false],
] as const) {
  test(`Each question is bound to the session first, and asked also when that ${isBound ? "works" : "is refused"}`, async () => {
    await using made = await startMadeUpAgent((message) => {
      if (message[0] === 27) return answer;
      return message[0] === 11 ? keys("one") : Buffer.concat([Buffer.of(14), writeStrings("signature")]);
    });
    const agent = new Agent(await loadSsh2(), made.path);
    agent.bindTo(() => binding);
    assert.equal((await agent.list()).length, 1);
    assert.equal(agent.isBound, isBound);
    assert.equal(String(await agent.sign(Buffer.from("blob"), Buffer.from("data"), 0)), "signature");
    assert.deepEqual(
      made.conversations.map(([first, second, ...more]) => [first?.equals(bind), second?.[0], more.length]),
      [
        [true, 11, 0],
        [true, 13, 0],
      ],
    );
  });
}

test("An agent that hangs up at the binding is asked without, and not bothered with it again", async () => {
  await using made = await startMadeUpAgent((message) => (message[0] === 27 ? undefined : keys("one")));
  const agent = new Agent(await loadSsh2(), made.path);
  agent.bindTo(() => binding);
  for (let time = 0; time < 2; time++) assert.equal((await agent.list()).length, 1);
  assert.equal(agent.isBound, false);
  assert.deepEqual(
    made.conversations.map((messages) => messages.map(([type]) => type)),
    [[27], [11], [11]],
  );
});

test("An agent that hangs up at the question itself is an error", async () => {
  await using made = await startMadeUpAgent((message) => (message[0] === 27 ? success : undefined));
  const agent = new Agent(await loadSsh2(), made.path);
  agent.bindTo(() => binding);
  await assert.rejects(agent.list(), /closed the connection/);
  assert.equal(made.conversations.length, 1);
});

test("Before there is a session nothing is bound", async () => {
  await using made = await startMadeUpAgent(() => keys());
  const agent = new Agent(await loadSsh2(), made.path);
  agent.bindTo(() => undefined);
  assert.deepEqual(await agent.list(), []);
  assert.deepEqual(made.conversations, [[Buffer.from(list)]]);
});

test("Keys that the agent shows only to who is not bound are counted", async () => {
  await using made = await startMadeUpAgent((message, index) => {
    if (message[0] === 27) return success;
    return index === 0 ? keys("one", "two", "three") : keys("two");
  });
  const agent = new Agent(await loadSsh2(), made.path);
  agent.bindTo(() => binding);
  assert.equal(await agent.countWithheld(), 2);
});

test("The agent's place is IdentityAgent, else SSH_AUTH_SOCK, as ssh_config(5) has it", () => {
  const environment = { SSH_AUTH_SOCK: "/env", OTHER: "/other", EMPTY: "" };
  assert.equal(agentSocket("SSH_AUTH_SOCK", environment), "/env");
  assert.equal(agentSocket("$OTHER", environment), "/other");
  assert.equal(agentSocket(["$", "{OTHER}"].join(""), environment), "/other");
  assert.equal(agentSocket("$EMPTY", environment), undefined);
  assert.equal(agentSocket("/own", environment), "/own");
  assert.equal(agentSocket("none", environment), undefined);
  assert.equal(agentSocket("SSH_AUTH_SOCK", {}), undefined);
});
