/** What a connection asked for, for tests that need to know no more. A refusal rejects with its error. */
import type { AskedConnection, TargetSource } from "../../src/forward/target-source.ts";

export async function askedBy(known: ReturnType<TargetSource>): Promise<AskedConnection> {
  const asked = await known;
  if ("refused" in asked) throw asked.refused;
  return asked;
}
