/**
 * Dials targets through the standing session: the server makes the TCP connection (leg 3) and porthop gets a channel.
 */
import type { Dialer } from "../../flow/conn.ts";
import type { Locator } from "../../ssh/channel/locator.ts";
import type { Session } from "../../ssh/session.ts";
import type { Losable, Uplink } from "./uplink.ts";

/** What is used of a session here. */
export interface DialingSession extends Losable, Pick<Session, "leg" | "openChannel"> {
  readonly locator: Pick<Locator, "dialing">;
}

export function channelDialer(uplink: Pick<Uplink<DialingSession>, "session" | "standing">): Dialer {
  return {
    get through() {
      return uplink.standing?.leg;
    },
    async dial(target, origin, signal) {
      const session = await uplink.session(signal);
      const dialing = session.locator.dialing(target);
      const conn = await session.openChannel(target, origin, signal).finally(() => dialing.done());
      const leg = { from: undefined, to: target, observed: false, locate: () => dialing.locate() };
      return { conn, leg, session: session.leg };
    },
  };
}
