/** Dials targets through a session: the server makes the TCP connection (leg 3) and we get a channel. */
import type { Dialer } from "../../flow/conn.ts";
import type { Session } from "../session.ts";

export function channelDialer(session: Session): Dialer {
  return {
    async dial(target, origin, signal) {
      const dialing = session.locator.dialing(target);
      const conn = await session.openChannel(target, origin, signal).finally(() => dialing.done());
      return { conn, leg: { from: undefined, to: target, observed: false, locate: () => dialing.locate() } };
    },
  };
}
