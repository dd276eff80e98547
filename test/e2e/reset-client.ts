/** A client of a forward that is to be reset, having got nothing: what refused and broken flows look like from outside. */
import assert from "node:assert/strict";
import { connectTo } from "../kit/tcp-end.ts";

/** Connects, says hello, and waits for the reset; which may be there before the client knows that it was connected. */
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
