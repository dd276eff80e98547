import assert from "node:assert/strict";
import { test } from "node:test";
import { keyLogLines } from "../../../../src/codec/session/key-log.ts";

const cookie = Uint8Array.from({ length: 16 }, (_, index) => index * 17);
const shown = "00112233445566778899aabbccddeeff";

test("An exchange is the private key in the form that Wireshark 4.0 knows, then the secret, which is the last word.", () => {
  const lines = keyLogLines({ cookie, secret: Uint8Array.of(0, 0x80, 1), ephemeralKey: Uint8Array.of(0xa, 0xb) });
  assert.deepEqual(lines, [`${shown} 0a0b`, `${shown} SHARED_SECRET 008001`]);
});

test("Where there is no single private key the secret stands alone.", () => {
  const lines = keyLogLines({ cookie, secret: Uint8Array.of(1), ephemeralKey: undefined });
  assert.deepEqual(lines, [`${shown} SHARED_SECRET 01`]);
});

test("Bytes may be part of a larger memory.", () => {
  const memory = Uint8Array.from([0xff, ...cookie, 0xff]);
  const [line] = keyLogLines({
    cookie: memory.subarray(1, 17),
    secret: memory.subarray(1, 3),
    ephemeralKey: undefined,
  });
  assert.equal(line, `${shown} SHARED_SECRET 0011`);
});
