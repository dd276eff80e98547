import assert from "node:assert/strict";
import { test } from "node:test";
import { PorthopError } from "../../../../src/errors.ts";
import { HostKeyCheck } from "../../../../src/ssh/host/host-key-at-exchange.ts";

const key = Buffer.from("a host key");

/** A check whose answers are in the test's hands, with all that it does written down. */
function play(verify: (blob: Buffer) => Promise<void>) {
  const story: string[] = [];
  const broken: unknown[] = [];
  const timer = { pause: () => void story.push("pause"), resume: () => void story.push("resume") };
  const check = new HostKeyCheck({ verify }, timer, (error) => broken.push(error));
  /** Resolves once it was answered. */
  const ask = (blob = key) =>
    new Promise<void>((resolve) => {
      const given = check.verify(blob, (valid) => {
        story.push(`answer ${valid}`);
        resolve();
      });
      story.push(`given ${given}`);
    });
  return { check, story, broken, ask };
}

test("The first key is answered later, and the time of the server stands until then.", async () => {
  const thinking = Promise.withResolvers<void>();
  const seen: Buffer[] = [];
  const { check, story, ask } = play((blob) => {
    seen.push(blob);
    return thinking.promise;
  });
  const answered = ask();
  assert.deepEqual([story, check.accepted], [["pause", "given undefined"], undefined]);
  thinking.resolve();
  await answered;
  assert.deepEqual(story, ["pause", "given undefined", "resume", "answer true"]);
  assert.deepEqual([seen, check.accepted, check.refusal], [[key], key, undefined]);
});

test("A key that is refused is answered with no, and why is known before that.", async () => {
  const reason = new PorthopError("ssh.host-key-changed", "it has changed", { leg: 2 });
  const check = new HostKeyCheck(
    { verify: () => Promise.reject(reason) },
    { pause() {}, resume: () => assert.fail("the server has the word no more") },
    () => assert.fail(),
  );
  const [valid, refusal] = await new Promise<[boolean, unknown]>((resolve) => {
    check.verify(key, (answer) => resolve([answer, check.refusal]));
  });
  assert.deepEqual([valid, refusal, check.accepted], [false, reason, undefined]);
});

test("At a later key exchange the accepted key is taken at once and another one is not; nobody is asked.", async () => {
  let asked = 0;
  const { check, story, ask } = play(async () => {
    asked++;
  });
  await ask();
  story.length = 0;
  const unanswered = () => assert.fail("an answer that comes later corrupts the stream");
  assert.equal(check.verify(Buffer.from(key), unanswered), true);
  assert.equal(check.verify(Buffer.from("another key"), unanswered), false);
  assert.equal(check.verify(key.subarray(0, 5), unanswered), false);
  assert.deepEqual([asked, story], [1, []]);
  assert.deepEqual(check.accepted, key);
});

test("The accepted key is kept apart from ssh2's memory.", async () => {
  const { check, ask } = play(async () => {});
  const blob = Buffer.from(key);
  await ask(blob);
  blob.fill(0);
  assert.deepEqual(check.accepted, key);
});

for (const [what, verify] of [
  ["a yes", async () => {}],
  ["a no", () => Promise.reject(new PorthopError("ssh.host-key-unknown", "no"))],
] as const) {
  test(`What ssh2 throws at ${what} is told, and not lost.`, async () => {
    const thrown = new Error("the server's message makes no sense");
    const told = await new Promise<unknown>((resolve) => {
      const check = new HostKeyCheck({ verify }, { pause() {}, resume() {} }, resolve);
      check.verify(key, () => {
        throw thrown;
      });
    });
    assert.equal(told, thrown);
  });
}
