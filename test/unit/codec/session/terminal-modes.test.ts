import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeModes, usualModes } from "../../../../src/codec/session/terminal-modes.ts";

test("Modes are pairs of an opcode and a number, with a zero behind (RFC 4254, section 8).", () => {
  const bytes = encodeModes({ VINTR: 3, ECHO: 1, TTY_OP_ISPEED: 38_400 });
  assert.deepEqual([...bytes], [1, 0, 0, 0, 3, 53, 0, 0, 0, 1, 128, 0, 0, 150, 0, 0]);
  assert.deepEqual([...encodeModes({})], [0]);
});

test("A terminal erases by letters where the locale has letters of several bytes (RFC 8160).", () => {
  assert.deepEqual([usualModes(true).IUTF8, usualModes(false).IUTF8], [1, 0]);
  assert.deepEqual([usualModes(true).VINTR, usualModes(true).VERASE, usualModes(true).ECHO], [3, 127, 1]);
});
