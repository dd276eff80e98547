/**
 * Two conns joined to one, without a chain: what neither the log nor a plugin has to see. Half-close both ways, and a
 * break on one side is a break on the other.
 */
import { PorthopError } from "../errors.ts";
import type { Conn } from "./conn.ts";

/** Resolves when both halves have ended, or when one side broke and the other was broken off. */
export async function join(one: Conn, other: Conn): Promise<void> {
  one.onBroken((reason) => other.abort(reason));
  other.onBroken((reason) => one.abort(reason));
  const halves = [copy(one, other), copy(other, one)];
  try {
    await Promise.all(halves);
  } catch (error) {
    const reason =
      error instanceof PorthopError ? error : new PorthopError("internal", String(error), { cause: error });
    one.abort(reason);
    other.abort(reason);
    await Promise.allSettled(halves);
  }
}

async function copy(from: Conn, to: Conn): Promise<void> {
  for (;;) {
    const chunk = await from.read();
    if (chunk === undefined) break;
    await to.write(chunk);
  }
  await to.end();
}
