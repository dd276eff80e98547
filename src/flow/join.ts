/**
 * Joins two conns to one without a chain, for connections that neither the log nor a plugin has to see. Half-close
 * works both ways, and a break on one side breaks the other side.
 */
import { PorthopError } from "../errors.ts";
import type { Conn } from "./conn.ts";

/** Resolves when both halves have ended. When one side breaks, aborts the other side and resolves too. */
export async function join(one: Conn, other: Conn): Promise<void> {
  one.onBroken((reason) => other.abort(reason));
  other.onBroken((reason) => one.abort(reason));
  const halves = [copy(one, other), copy(other, one)] as const;
  // A side that has gone in good order takes no more bytes. Its last bytes are delivered first, and then the other side
  // is closed too.
  one.onGone(() => void halves[0].then(() => other.close(nothing), nothing));
  other.onGone(() => void halves[1].then(() => one.close(nothing), nothing));
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
  try {
    for (let chunk = await from.read(); chunk !== undefined; chunk = await from.read()) await to.write(chunk);
    await to.end();
  } catch (error) {
    if (!to.isGone) throw error;
  }
}

function nothing(): void {}
