import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Malformed } from "../../../../src/codec/malformed.ts";
import { RequestBody } from "../../../../src/codec/proxy/http-request-body.ts";
import { rounds } from "../../../kit/effort.ts";
import { bytes } from "../../../kit/proxy-bytes.ts";

const chunked = bytes([], '4;name="v"\r\nWiki\r\nA \r\n0123456789\r\n0\r\nX-Sum: 1\r\nY: 2\r\n\r\n');
const next = bytes([], "GET http://other/ HTTP/1.1\r\n\r\n");

for (const [what, framing, body] of [
  ["no body", { length: 0 }, bytes()],
  ["a length", { length: 12 }, bytes([], "hello\r\n\r\nyou")],
  ["chunks", "chunked", chunked],
  ["no chunk", "chunked", bytes([], "0\r\n\r\n")],
] as const) {
  test(`With ${what} the next request is found, wherever the bytes are cut.`, () => {
    const all = bytes([], "", body, next);
    for (let cut = 0; cut <= all.length; cut++) {
      const found = lengthOf(new RequestBody(framing), [all.subarray(0, cut), all.subarray(cut)]);
      assert.equal(found, body.length, `cut at ${cut}`);
    }
    assert.equal(
      lengthOf(
        new RequestBody(framing),
        [...all].map((byte) => Uint8Array.of(byte)),
      ),
      body.length,
    );
  });

  test(`With ${what} the request is over with its last byte, and not before.`, () => {
    const reader = new RequestBody(framing);
    reader.take(body.subarray(0, -1));
    assert.equal(reader.isOver, body.length === 0);
    reader.take(body.subarray(-1));
    assert.equal(reader.isOver, true);
  });
}

for (const [what, said] of [
  ["a size that is none", "x\r\n"],
  ["no size", "\r\n"],
  ["a sign", "+4\r\nWiki\r\n"],
  ["0x", "0x4\r\nWiki\r\n"],
  ["a size without end", `${"1".repeat(13)}\r\n`],
  ["a size that ends with LF alone", "4\nWiki\r\n"],
  ["a bare CR in an extension", "4;a\rb\r\nWiki\r\n"],
  ["a NUL in an extension", "4;a\0b\r\nWiki\r\n"],
  ["an extension without end", `4;${"x".repeat(5000)}`],
  ["data longer than its size", "4\r\nWikix\r\n"],
  ["data that ends with LF alone", "4\r\nWiki\n0\r\n\r\n"],
  ["a field that ends with LF alone", "0\r\nX: a\n\n"],
  ["fields without end", `0\r\n${"X: aaaaaaaaaaaaa\r\n".repeat(2000)}`],
] as const) {
  test(`Chunks with ${what} are refused, however they come.`, () => {
    assert.throws(() => new RequestBody("chunked").take(bytes([], said)), Malformed);
    const single = new RequestBody("chunked");
    assert.throws(() => {
      for (const byte of bytes([], said)) single.take(Uint8Array.of(byte));
    }, Malformed);
  });
}

test("Any data in any chunks, cut anywhere, ends where it was made to end.", () => {
  const data = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 6 });
  fc.assert(
    fc.property(
      data,
      fc.array(fc.nat(300), { maxLength: 6 }),
      fc.uint8Array({ maxLength: 30 }),
      (parts, cuts, rest) => {
        const body = bytes(
          [],
          "",
          ...parts.map((part) => bytes([], `${part.length.toString(16)}\r\n`, part, bytes([], "\r\n"))),
          bytes([], "0\r\n\r\n"),
        );
        const all = bytes([], "", body, rest);
        const places = [0, ...cuts.map((cut) => Math.min(cut, all.length)).toSorted((a, b) => a - b), all.length];
        const pieces = places.slice(1).map((place, index) => all.subarray(places[index], place));
        assert.equal(lengthOf(new RequestBody("chunked"), pieces), body.length);
      },
    ),
    { numRuns: rounds(500) },
  );
});

test("Random bytes for chunks are taken or refused, and nothing else.", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
      try {
        assert.ok(new RequestBody("chunked").take(noise) <= noise.length);
      } catch (error) {
        assert.ok(error instanceof Malformed);
      }
    }),
    { numRuns: rounds(1000) },
  );
});

/** How many bytes were taken, in all. Nothing is taken after the end. */
function lengthOf(body: RequestBody, chunks: readonly Uint8Array[]): number {
  let length = 0;
  for (const chunk of chunks) length += body.take(chunk);
  return length;
}
