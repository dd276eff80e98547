import assert from "node:assert/strict";
import { test } from "node:test";
import { Waiting } from "../../kit/waiting.ts";

test("A wait resolves at once with what is already there.", async () => {
  assert.equal(await new Waiting().until("a number", () => 7), 7);
});

test("A wait looks again at each change, and only those that found something are done.", async () => {
  const waiting = new Waiting();
  let count = 0;
  const two = waiting.until("two", () => (count >= 2 ? "two" : undefined));
  const three = waiting.until("three", () => (count >= 3 ? "three" : undefined));
  let done = "";
  const note = (text: string) => {
    done += text;
  };
  const both = Promise.all([two.then(note), three.then(note)]);
  for (count = 1; count <= 2; count++) waiting.change();
  await two;
  assert.equal(done, "two");
  waiting.change();
  await both;
  assert.equal(done, "twothree");
});

test("Waits reject with the reason when nothing can change any more, those that begin later too.", async () => {
  const waiting = new Waiting();
  const before = waiting.until("rain", () => undefined);
  waiting.end(() => "the sky is gone");
  await assert.rejects(before, /waited for rain, but the sky is gone/);
  await assert.rejects(
    waiting.until("snow", () => undefined),
    /waited for snow, but the sky is gone/,
  );
});

test("The end itself is a change: what came with it is still found.", async () => {
  const waiting = new Waiting();
  let last = "";
  const wait = waiting.until("the last word", () => last || undefined);
  last = "bye";
  waiting.end(() => "over");
  assert.equal(await wait, "bye");
});

test("A wait that takes too long says what it waited for.", async () => {
  await assert.rejects(
    new Waiting().until("godot", () => undefined, 5),
    /waited 5 ms for godot in vain/,
  );
});
