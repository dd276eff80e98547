/**
 * Dials targets through a standing session: the server makes the TCP connection (leg 3) and porthop gets a channel.
 * Without a session the connection is held until one stands.
 */
import { PorthopError } from "../../errors.ts";
import type { Cancel, Dialer } from "../../flow/conn.ts";
import { unlessAborted } from "../../io/after.ts";
import type { Locator } from "../../ssh/channel/locator.ts";
import type { Session } from "../../ssh/session.ts";
import type { Losable, Uplink } from "./uplink.ts";

/** What is used of a session here. */
export interface DialingSession extends Losable, Pick<Session, "leg" | "openChannel"> {
  readonly locator: Pick<Locator, "dialing">;
}

export function channelDialer(uplink: Pick<Uplink<DialingSession>, "session" | "standing" | "all">): Dialer {
  return {
    get through() {
      const [session, ...others] = uplink.all;
      return others.length === 0 ? session?.leg : undefined;
    },
    async dial(target, origin, signal, held) {
      for (;;) {
        const askedMs = uplink.standing === undefined ? performance.now() : undefined;
        const session = await uplink.session(signal, held?.sinceMs).finally(() => {
          if (askedMs !== undefined) held?.waited(performance.now() - askedMs);
        });
        const dialing = session.locator.dialing(target);
        try {
          const conn = await session.openChannel(target, origin, signal);
          const leg = { from: undefined, to: target, observed: false, locate: () => dialing.locate() };
          return { conn, leg, session: session.leg };
        } catch (error) {
          // The session was lost before it answered. No byte of the flow has gone out, so the next session is asked.
          if (!(await isLostBy(session, error, signal))) throw error;
        } finally {
          dialing.done();
        }
      }
    },
  };
}

/** A request for a channel hears of the end of its session a moment before the session itself knows. */
async function isLostBy(session: Losable, error: unknown, signal: Cancel): Promise<boolean> {
  const isEnd = error instanceof PorthopError && error.code === "ssh.lost";
  // Whoever gives up meanwhile hears the error of the dial.
  if (isEnd && session.goneBy === undefined) await unlessAborted(session.lost, signal).catch(() => {});
  return session.goneBy !== undefined && !signal.aborted;
}
