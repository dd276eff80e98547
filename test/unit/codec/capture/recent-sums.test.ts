import assert from "node:assert/strict";
import { test } from "node:test";
import { sumOf } from "../../../../src/codec/capture/checksum.ts";
import { RecentSums } from "../../../../src/codec/capture/recent-sums.ts";

const filled = (length: number, seed: number) => Uint8Array.from({ length }, (_, index) => (index * 31 + seed) & 0xff);

test("Sums are right for more slices than are remembered, over and over", () => {
  const sums = new RecentSums();
  const slices = Array.from({ length: 40 }, (_, index) => filled(1000 + index * 37, index));
  for (const slice of [...slices, ...slices, ...slices.toReversed()]) assert.equal(sums.sumOf(slice), sumOf(slice));
});

test("Another view of the same memory is not summed again", () => {
  const sums = new RecentSums();
  const chunk = filled(130_000, 3);
  const before = sums.sumOf(chunk.subarray(0, 65_000));
  // Nobody may do this to a chunk: here it shows that the bytes were not looked at twice.
  chunk[10] = (chunk[10] ?? 0) ^ 0xff;
  assert.equal(sums.sumOf(chunk.subarray(0, 65_000)), before);
  assert.notEqual(sums.sumOf(chunk.subarray(0, 64_998)), before);
});

test("The sums of equally long slices are not mixed up, whether of one chunk or of several", () => {
  const sums = new RecentSums();
  const chunk = Uint8Array.from({ length: 8192 }, (_, index) => index >>> 4);
  const slices = [0, 1, 2048, 4096].map((from) => chunk.subarray(from, from + 2048));
  slices.push(filled(2048, 5), filled(2048, 6));
  for (const slice of [...slices, ...slices]) assert.equal(sums.sumOf(slice), sumOf(slice));
});

test("A slice of something very large is not remembered, which would hold all of it in memory", () => {
  const sums = new RecentSums();
  const large = new Uint8Array(2 << 20);
  const slice = large.subarray(0, 4096);
  assert.equal(sums.sumOf(slice), 0);
  slice[1] = 7;
  assert.equal(sums.sumOf(slice), 7);
});
