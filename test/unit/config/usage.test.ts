import assert from "node:assert/strict";
import { test } from "node:test";
import { Malformed } from "../../../src/codec/malformed.ts";
import { asUsage } from "../../../src/config/usage.ts";
import { PorthopError } from "../../../src/errors.ts";

test("What can be read is given back.", () => {
  assert.equal(
    asUsage(undefined, () => 7),
    7,
  );
});

test("What cannot is wrong usage, with the hint or the code's own.", () => {
  const malformed = new Malformed("-p x is no port");
  const read = () => {
    throw malformed;
  };
  for (const [hint, shown] of [
    ["porthop run --help shows the flags", "porthop run --help shows the flags"],
    [undefined, new PorthopError("usage", "").hint],
  ]) {
    assert.throws(
      () => asUsage(hint, read),
      (error: PorthopError) =>
        error.code === "usage" &&
        error.message === malformed.message &&
        error.hint === shown &&
        error.cause === malformed,
    );
  }
});

test("Any other error passes as it is.", () => {
  const other = new TypeError("a defect");
  assert.throws(
    () =>
      asUsage(undefined, () => {
        throw other;
      }),
    (error) => error === other,
  );
});
