import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { kexInitLists, withKeyExchanges } from "../../../../src/codec/session/kex-init.ts";
import { writeStrings } from "../../../../src/codec/ssh-string.ts";

const lists = ["kex-a,kex-b", "key-a", "c-up", "c-down", "m-up", "m-down", "none", "none,zlib", "", ""];

function kexInit(names: readonly string[]): Buffer {
  return Buffer.concat([Buffer.of(20), randomBytes(16), writeStrings(...names), Buffer.alloc(5)]);
}

test("The ten lists of a KEXINIT are read in their order.", () => {
  assert.deepEqual(
    kexInitLists(kexInit(lists)),
    lists.map((list) => list.split(",")),
  );
});

test("A message that is cut anywhere has the lists that are whole, and no others.", () => {
  const whole = kexInit(lists);
  const all = kexInitLists(whole);
  for (let length = 0; length < whole.length; length++) {
    const read = kexInitLists(whole.subarray(0, length));
    assert.deepEqual(read, all.slice(0, read.length));
    assert.ok(length > whole.length - 6 || read.length < 10);
  }
});

test("With other key exchanges all else stays.", () => {
  const before = kexInit(lists);
  const after = withKeyExchanges(before, ["x", "y", "z"]);
  assert.deepEqual(kexInitLists(after), [["x", "y", "z"], ...kexInitLists(before).slice(1)]);
  assert.deepEqual(after.subarray(0, 17), before.subarray(0, 17));
  assert.deepEqual(after.subarray(-5), before.subarray(-5));
  assert.deepEqual(withKeyExchanges(after, ["kex-a", "kex-b"]), before);
});

test("Any bytes are read without a fault, and never as more than ten lists.", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      assert.ok(kexInitLists(bytes).length <= 10);
      const payload = Buffer.from(bytes);
      assert.ok(withKeyExchanges(payload, []).length <= payload.length);
    }),
  );
});
