/**
 * A client of a forward that must be reset and get no bytes: that is how refused and broken flows look from outside.
 */
import assert from "node:assert/strict";
import { connectTo } from "../kit/tcp-end.ts";

/** Connects, sends hello, and waits for the reset, which may come before the client knows of its connection. */
export async function assertReset(port: number): Promise<void> {
  await using client = await connectTo(port).catch((error: NodeJS.ErrnoException) => {
    assert.equal(error.code, "ECONNRESET");
    return undefined;
  });
  if (client === undefined) return;
  await client.send("hello");
  const { ended, bytes } = await client.received;
  assert.deepEqual([ended, bytes], [false, 0], "a reset and no clean end");
}
