import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readString, writeStrings } from "../../../src/codec/ssh-string.ts";

/** All strings from the beginning, and where what is left begins. */
function readAll(from: Uint8Array): { strings: string[]; next: number } {
  const strings: string[] = [];
  let next = 0;
  for (let read = readString(from, next); read !== undefined; read = readString(from, next)) {
    strings.push(read.bytes.toString("hex"));
    next = read.next;
  }
  return { strings, next };
}

test("A string is its length in four bytes, big endian, and its bytes (RFC 4251, section 5).", () => {
  assert.equal(writeStrings("testing").toString("hex"), "0000000774657374696e67");
  assert.equal(writeStrings("").toString("hex"), "00000000");
  assert.equal(writeStrings("é", Buffer.from([1, 2])).toString("hex"), "00000002c3a9000000020102");
  assert.equal(writeStrings().length, 0);
});

test("A string is read where it stands, and says where the next begins.", () => {
  const bytes = Buffer.concat([Buffer.from("xx"), writeStrings("one", "two")]);
  const one = readString(bytes, 2);
  assert.deepEqual([one?.bytes.toString(), one?.next], ["one", 9]);
  assert.deepEqual(readString(bytes, one?.next ?? 0)?.bytes.toString(), "two");
});

test("What is read is a view, not a copy.", () => {
  const bytes = writeStrings("abc");
  const read = readString(bytes, 0);
  bytes[4] = 0x7a;
  assert.equal(read?.bytes.toString(), "zbc");
});

test("A part of a larger memory is read as that part.", () => {
  const large = Buffer.concat([Buffer.alloc(10, 0xff), writeStrings("abc"), Buffer.alloc(10, 0xff)]);
  const part = new Uint8Array(large.buffer, large.byteOffset + 10, 7);
  assert.equal(readString(part, 0)?.bytes.toString(), "abc");
  assert.equal(readString(part.subarray(0, 6), 0), undefined);
});

test("A length that is not all there is not believed, whatever it says.", () => {
  for (const hex of ["", "00", "000000", "00000001", "00000004616263", "ffffffff", "ffffffff616263", "80000000"]) {
    assert.equal(readString(Buffer.from(hex, "hex"), 0), undefined, hex);
  }
});

test("An offset that is no place in the bytes reads nothing.", () => {
  const bytes = writeStrings("abc", "def");
  for (const offset of [-1, -4, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 11, 14, 15, 2 ** 53]) {
    assert.equal(readString(bytes, offset), undefined, String(offset));
  }
});

test("Any strings that are written are read again, and nothing behind them.", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 })), (strings) => {
      const bytes = writeStrings(...strings);
      assert.deepEqual(readAll(bytes), {
        strings: strings.map((each) => Buffer.from(each).toString("hex")),
        next: bytes.length,
      });
    }),
  );
});

test("Random bytes are read or not, within what is there.", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.integer({ min: -2, max: 45 }), (bytes, offset) => {
      const read = readString(bytes, offset);
      if (read === undefined) return;
      assert.ok(read.next <= bytes.length);
      assert.equal(read.next, offset + 4 + read.bytes.length);
    }),
  );
});
