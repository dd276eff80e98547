import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { LoginSilence } from "../../../src/ssh/login-silence.ts";

const timeout = 10_000;
const untold = () => assert.fail("it expired");

function play(ms: number, expired: (ms: number) => void) {
  const stream = new PassThrough();
  stream.resume();
  let sent = () => {};
  const outgoing = {
    onGiven: (told: () => void) => {
      sent = told;
    },
  };
  const silence = new LoginSilence(stream, outgoing, ms, expired);
  return {
    stream,
    silence,
    send: () => sent(),
    async answer() {
      stream.write("x");
      await nextTurn();
    },
  };
}

/** A timer of its own that was made later, and is due later, tells that one of `ms` would have been heard. */
function past(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms + 20));
}

test("A server that does not answer what was sent is told of, with how long that was.", { timeout }, async () => {
  const told = Promise.withResolvers<number>();
  const { send } = play(5, told.resolve);
  send();
  send();
  assert.equal(await told.promise, 5);
});

test("While it is our turn nothing expires: before the first word, and after an answer.", { timeout }, async () => {
  const { send, answer } = play(5, untold);
  await past(5);
  send();
  await answer();
  await past(5);
});

test("Once the login is over nothing expires, whatever is sent, and the stream is left alone.", {
  timeout,
}, async () => {
  const { send, silence, stream } = play(5, untold);
  send();
  silence.stop();
  send();
  await past(5);
  assert.equal(stream.listenerCount("data"), 0);
});
