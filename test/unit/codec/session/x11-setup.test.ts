import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Malformed } from "../../../../src/codec/malformed.ts";
import { X11Setup } from "../../../../src/codec/session/x11-setup.ts";
import { rounds } from "../../../kit/effort.ts";

const protocol = "MIT-MAGIC-COOKIE-1";
const fake = Buffer.from("00112233445566778899aabbccddeeff", "hex");
const real = Buffer.from("c0ffeec0ffeec0ffeec0ffeec0ffee00", "hex");

/** A setup packet as Xlib makes it. */
function packet(order: "B" | "l", name: string, data: Uint8Array, behind = ""): Buffer {
  const header = Buffer.alloc(12);
  header.write(order, 0, "latin1");
  const write = (value: number, at: number) =>
    order === "B" ? header.writeUInt16BE(value, at) : header.writeUInt16LE(value, at);
  write(11, 2);
  write(name.length, 6);
  write(data.length, 8);
  const padding = (length: number) => Buffer.alloc((4 - (length % 4)) % 4);
  return Buffer.concat([
    ...[header, Buffer.from(name), padding(name.length), data, padding(data.length), Buffer.from(behind)],
  ]);
}

/** What comes out when the packet comes in these pieces: the first answer, and what follows it as it came. */
function through(pieces: readonly Uint8Array[]): Buffer {
  const setup = new X11Setup(protocol, fake, real);
  const out: Uint8Array[] = [];
  let isDone = false;
  for (const piece of pieces) {
    const taken: Uint8Array | undefined = isDone ? piece : setup.take(piece);
    if (taken === undefined) continue;
    isDone = true;
    out.push(taken);
  }
  return Buffer.concat(out);
}

for (const order of ["B", "l"] as const) {
  test(`A packet of byte order ${order} leaves with the real cookie, wherever it is cut.`, () => {
    const whole = packet(order, protocol, fake, "and a first request");
    const wanted = packet(order, protocol, real, "and a first request");
    for (let first = 0; first <= whole.length; first++) {
      for (let second = first; second <= whole.length; second += 3) {
        const pieces = [whole.subarray(0, first), whole.subarray(first, second), whole.subarray(second)];
        assert.deepEqual(through(pieces), wanted);
      }
    }
    assert.deepEqual(through(Array.from(whole, (byte) => Buffer.of(byte))), wanted);
  });
}

test("The pieces that were handed in stay as they are.", () => {
  const whole = packet("l", protocol, fake);
  const before = Buffer.from(whole);
  through([whole]);
  assert.deepEqual(whole, before);
});

for (const [what, bytes] of [
  ["one wrong byte in its cookie", packet("l", protocol, Buffer.from("00112233445566778899aabbccddeefe", "hex"))],
  ["the real cookie", packet("l", protocol, real)],
  ["a shorter cookie", packet("B", protocol, fake.subarray(1))],
  ["no cookie", packet("l", "", Buffer.alloc(0))],
  ["another protocol of the same length", packet("l", "XDM-AUTHORIZATION1", fake)],
  ["a byte order that is none", packet("l", protocol, fake).fill("x", 0, 1)],
] as const) {
  test(`A packet with ${what} is refused.`, () => {
    assert.throws(() => through([bytes]), Malformed);
    assert.throws(() => through(Array.from(bytes, (byte) => Buffer.of(byte))), Malformed);
  });
}

test("A packet that announces a long cookie is refused before the cookie comes.", () => {
  const header = packet("B", protocol, Buffer.alloc(65_000)).subarray(0, 12);
  assert.throws(() => new X11Setup(protocol, fake, real).take(header), Malformed);
});

test("Random bytes are refused or waited for, and never let through.", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 5 }), (pieces) => {
      try {
        assert.equal(through(pieces).length, 0);
      } catch (error) {
        assert.ok(error instanceof Malformed);
      }
    }),
    { numRuns: rounds(2000) },
  );
});
