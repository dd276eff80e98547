import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { writeStrings } from "../../../../src/codec/ssh-string.ts";
import { loadSsh2 } from "../../../../src/ssh/loader.ts";
import { AgentHungUp, askAgent, firstAnswer } from "../../../../src/ssh/login/agent-connection.ts";
import { rounds } from "../../../kit/effort.ts";
import { startMadeUpAgent } from "../../../kit/made-up-agent.ts";

const never = new AbortController().signal;

test("Messages go out one after the other on one connection, and the answers come in their order.", async () => {
  await using agent = await startMadeUpAgent((message) => Buffer.concat([Buffer.from("re: "), message]));
  const answers = await askAgent(await loadSsh2(), agent.path, [Buffer.from("one"), Buffer.from("two")], never);
  assert.deepEqual(answers.map(String), ["re: one", "re: two"]);
  assert.equal(agent.conversations.length, 1);
});

test("An agent that hangs up says how far it came.", async () => {
  await using agent = await startMadeUpAgent((message) => (String(message) === "two" ? undefined : message));
  const asking = askAgent(await loadSsh2(), agent.path, [Buffer.from("one"), Buffer.from("two")], never);
  await assert.rejects(asking, (error) => error instanceof AgentHungUp && error.answered === 1);
});

test("An agent that says nothing is waited for until the signal.", async () => {
  await using agent = await startMadeUpAgent(() => null);
  const stop = new AbortController();
  const asking = askAgent(await loadSsh2(), agent.path, [Buffer.from("one")], stop.signal);
  stop.abort(new Error("enough"));
  await assert.rejects(asking, /enough/);
});

test("An answer is whole or not yet there, and one of no length or too much is none.", () => {
  const whole = writeStrings("answer");
  for (let length = 0; length < whole.length; length++) assert.equal(firstAnswer(whole.subarray(0, length)), undefined);
  assert.equal(String(firstAnswer(Buffer.concat([whole, whole]))), "answer");
  for (const head of [0, 256 * 1024 + 1, 0xffffffff]) {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(head);
    assert.throws(() => firstAnswer(bytes), /makes no sense/);
  }
});

test("Any bytes are an answer, none yet, or nonsense.", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      try {
        assert.ok((firstAnswer(bytes)?.length ?? 0) <= bytes.length);
      } catch (error) {
        assert.match(String(error), /makes no sense/);
      }
    }),
    { numRuns: rounds(200) },
  );
});
