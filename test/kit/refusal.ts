/** The error that a promise rejects with. The error must be one of porthop's own. */
import assert from "node:assert/strict";
import { PorthopError } from "../../src/errors.ts";

export async function refusal(promise: Promise<unknown>): Promise<PorthopError> {
  const error: unknown = await promise.then(
    () => assert.fail("it was no failure"),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof PorthopError, String(error));
  return error;
}
