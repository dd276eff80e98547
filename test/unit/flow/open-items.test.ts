import assert from "node:assert/strict";
import { test } from "node:test";
import { OpenItems } from "../../../src/flow/open-items.ts";

test("What came and did not go is open, in whatever order things go.", () => {
  const open = new OpenItems<{ readonly name: string }>();
  const add = (name: string) => open.add({ name });
  const names = () => open.all().map(({ name }) => name);
  assert.deepEqual(names(), []);
  assert.equal(open.size, 0);
  const remove = { a: add("a"), b: add("b"), c: add("c") };
  assert.deepEqual(names().sort(), ["a", "b", "c"]);
  remove.b();
  remove.a();
  assert.deepEqual(names(), ["c"]);
  assert.equal(open.size, 1);
  const removeD = add("d");
  assert.deepEqual(names().sort(), ["c", "d"]);
  remove.c();
  removeD();
  assert.deepEqual(names(), []);
  assert.equal(open.size, 0);
});

test("A thing that goes twice takes nobody with it that came to its place.", () => {
  const open = new OpenItems<object>();
  const removeFirst = open.add({});
  removeFirst();
  const second = {};
  open.add(second);
  removeFirst();
  assert.deepEqual(open.all(), [second]);
  assert.equal(open.size, 1);
});

test("The same thing twice is two things.", () => {
  const open = new OpenItems<object>();
  const thing = {};
  const [removeOne] = [open.add(thing), open.add(thing)];
  removeOne();
  assert.equal(open.size, 1);
  removeOne();
  assert.equal(open.size, 1);
});

test("Things may go while all of them are looked at.", () => {
  const open = new OpenItems<{ go?: () => void }>();
  for (let count = 0; count < 3; count++) {
    const thing: { go?: () => void } = {};
    thing.go = open.add(thing);
  }
  let seen = 0;
  for (const { go } of open.all()) {
    seen++;
    go?.();
  }
  assert.equal(seen, 3);
  assert.equal(open.size, 0);
});

test("What is gone does not stay in memory until everything is collected.", async (context) => {
  if (!("bun" in process.versions)) return context.skip("only this runtime collects its young objects when asked");
  const { edenGC } = await import("bun:jsc");
  const open = new OpenItems<object>();
  const [width, collections] = [20, 20];
  const seen: WeakRef<object>[] = [];
  const removals: (() => void)[] = [];
  edenGC();
  for (let count = 0; count < 100 * collections; count++) {
    const item = { count };
    seen.push(new WeakRef(item));
    removals.push(open.add(item));
    if (removals.length > width) removals.shift()?.();
    if (count % 100 !== 0) continue;
    // A WeakRef holds what it was made for until the end of its turn.
    await new Promise((resolve) => setImmediate(resolve));
    edenGC();
  }
  await new Promise((resolve) => setImmediate(resolve));
  edenGC();
  // What was open at a collection has grown old. With a Map it is everything that was open when one was outgrown.
  const left = seen.filter((ref) => ref.deref() !== undefined).length;
  assert.ok(left <= (width + 5) * (collections + 1), `${left} of ${seen.length} are still there`);
});
