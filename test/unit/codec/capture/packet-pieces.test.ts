import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cutPieces, wrapPieces } from "../../../../src/codec/capture/packet-pieces.ts";

const pieceLists = fc.array(fc.uint8Array({ maxLength: 300, size: "max" }), { maxLength: 5 });

test("Pieces cut at any length hold just the first bytes", () => {
  fc.assert(
    fc.property(pieceLists, fc.nat(1600), (pieces, limit) => {
      const whole = Buffer.concat(pieces);
      assert.deepEqual(Buffer.concat(cutPieces(pieces, limit)), whole.subarray(0, limit));
    }),
  );
});

test("Pieces that need no cut are passed on as they are", () => {
  const pieces = [new Uint8Array(10), new Uint8Array(20)];
  assert.equal(cutPieces(pieces, 30), pieces);
  assert.notEqual(cutPieces(pieces, 29), pieces);
});

test("Any pieces stand unchanged between head and tail", () => {
  fc.assert(
    fc.property(pieceLists, fc.nat(40), fc.nat(40), (pieces, headBytes, tailBytes) => {
      const wrapped = wrapPieces(headBytes, pieces, tailBytes);
      wrapped.head.fill(1, 0, headBytes);
      wrapped.tail.fill(2, wrapped.tailAt, wrapped.tailAt + tailBytes);
      const expected = [Buffer.alloc(headBytes, 1), ...pieces, Buffer.alloc(tailBytes, 2)];
      assert.deepEqual(Buffer.concat(wrapped.pieces), Buffer.concat(expected));
    }),
  );
});

test("Large payload is kept by reference, and the small header before it joins the head", () => {
  const payload = [new Uint8Array(32_768), new Uint8Array(16)];
  const { pieces } = wrapPieces(28, [new Uint8Array(54), ...payload], 12);
  assert.deepEqual(
    pieces.map((piece) => piece.length),
    [82, 32_768, 16, 12],
  );
  assert.ok(pieces[1] === payload[0] && pieces[2] === payload[1], "no payload was copied");
});

test("Pieces that are all small become one, with head and tail", () => {
  assert.equal(wrapPieces(28, [new Uint8Array(54)], 20).pieces.length, 1);
  assert.equal(wrapPieces(28, [new Uint8Array(54), new Uint8Array(100)], 20).pieces.length, 1);
});
