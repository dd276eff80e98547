import assert from "node:assert/strict";
import { test } from "node:test";
import { SliceQueue } from "../../../../src/codec/capture/slice-queue.ts";

test("A queue gives back the very slices that it was given", () => {
  const queue = new SliceQueue();
  const slices = [Uint8Array.of(1, 2), Uint8Array.of(3)];
  for (const slice of slices) queue.append(slice, 100);
  assert.equal(queue.bytes, 3);
  const taken = queue.take();
  assert.ok(taken.every((slice, index) => slice === slices[index]));
  assert.equal(taken.length, 2);
});

test("What trickles in is gathered in one piece, and nothing is lost or added", () => {
  const queue = new SliceQueue();
  const bytes = Uint8Array.from({ length: 1000 }, (_, index) => index & 0xff);
  for (let at = 0; at < bytes.length; at += 1) queue.append(bytes.subarray(at, at + 1), bytes.length);
  assert.equal(queue.bytes, 1000);
  const taken = queue.take();
  assert.equal(taken.length, 1, "a thousand views became one piece");
  assert.deepEqual(taken[0], bytes);
});

test("A queue is empty after it was taken from, gathered or not", () => {
  const queue = new SliceQueue();
  for (const count of [1, 200, 3]) {
    for (let round = 0; round < count; round += 1) queue.append(Uint8Array.of(round), 200);
    assert.equal(
      queue.take().reduce((sum, slice) => sum + slice.length, 0),
      count,
    );
    assert.equal(queue.bytes, 0);
    assert.deepEqual(queue.take(), []);
  }
});
