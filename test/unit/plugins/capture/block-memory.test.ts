import assert from "node:assert/strict";
import { test } from "node:test";
import { BlockMemory, sheetBytes } from "../../../../plugins/capture/block-memory.ts";

/** Reserves blocks and fills each with its number, from 1. */
function filled(memory: BlockMemory, sizes: readonly number[]): void {
  for (const [index, size] of sizes.entries()) {
    const at = memory.reserve(size);
    memory.bytes.fill(index + 1, at, at + size);
  }
}

/** The numbers of the blocks in each sheet that is taken out, until none is left. */
function taken(memory: BlockMemory): number[][] {
  const sheets: number[][] = [];
  for (let sheet = memory.take(); sheet !== undefined; sheet = memory.take()) {
    sheets.push([...new Set(sheet.bytes.subarray(0, sheet.used))]);
    memory.giveBack(sheet);
  }
  return sheets;
}

test("Blocks are taken out in order, and none of them is torn between two sheets.", () => {
  const memory = new BlockMemory();
  const third = Math.floor(sheetBytes / 3);
  filled(memory, [third, third, third, third, sheetBytes, 5]);
  assert.equal(memory.hasWholeSheet, true);
  assert.deepEqual(taken(memory), [[1, 2, 3], [4], [5], [6]]);
  assert.equal(memory.hasWholeSheet, false);
});

test("A block that is larger than a sheet has memory of its own size.", () => {
  const memory = new BlockMemory();
  filled(memory, [10, sheetBytes + 1, 10]);
  assert.deepEqual(taken(memory), [[1], [2], [3]]);
});

test("Where nothing was reserved there is nothing to take.", () => {
  const memory = new BlockMemory();
  assert.equal(memory.take(), undefined);
  memory.reserve(0);
  assert.equal(memory.take(), undefined);
});

test("A sheet that was written is the next one in use, as long as there are not too many.", () => {
  const memory = new BlockMemory();
  memory.reserve(10);
  const sheet = memory.take() ?? assert.fail();
  memory.giveBack(sheet);
  assert.equal(memory.reserve(10), 0);
  assert.ok(memory.bytes === sheet.bytes);
  for (let count = 0; count < 40; count += 1) memory.reserve(sheetBytes);
  const sheets = Array.from({ length: 41 }, () => memory.take() ?? assert.fail());
  for (const each of sheets) memory.giveBack(each);
  const again = Array.from({ length: 41 }, () => {
    memory.reserve(sheetBytes);
    return memory.bytes;
  });
  assert.equal(again.filter((bytes) => sheets.some((each) => each.bytes === bytes)).length, 8);
});

test("A sheet that is being written is not used meanwhile, and blocks that are forgotten do not come out.", () => {
  const memory = new BlockMemory();
  filled(memory, [10, sheetBytes]);
  const sheet = memory.take() ?? assert.fail();
  memory.clear();
  assert.equal(memory.take(), undefined);
  filled(memory, [7]);
  assert.ok(memory.bytes !== sheet.bytes);
  assert.deepEqual([...sheet.bytes.subarray(0, sheet.used)], Array(10).fill(1));
});
