import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { extensionsIn } from "../../../../src/codec/session/server-extensions.ts";
import { writeStrings } from "../../../../src/codec/ssh-string.ts";
import { rounds } from "../../../kit/effort.ts";

function message(pairs: readonly (readonly [name: string, value: string])[], count = pairs.length): Buffer {
  const head = Buffer.alloc(5);
  head[0] = 7;
  head.writeUInt32BE(count, 1);
  return Buffer.concat([head, ...pairs.map((pair) => writeStrings(...pair))]);
}

const some = [
  ["server-sig-algs", "ssh-ed25519,rsa-sha2-512"],
  ["publickey-hostbound@openssh.com", "0"],
] as const;

test("What the server says about itself is read by name.", () => {
  assert.deepEqual([...extensionsIn(message(some))], some);
  assert.equal(extensionsIn(message([])).size, 0);
});

test("A message cut anywhere, or with a count that is not true, gives what is whole.", () => {
  const whole = message(some);
  for (let length = 0; length < whole.length; length++) {
    const read = [...extensionsIn(whole.subarray(0, length))];
    assert.deepEqual(read, some.slice(0, read.length));
  }
  assert.deepEqual([...extensionsIn(message(some, 0xffffffff))], some);
  assert.deepEqual([...extensionsIn(message(some, 1))], some.slice(0, 1));
});

test("Any bytes are read without an error.", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void extensionsIn(bytes)),
    { numRuns: rounds(200) },
  );
});
