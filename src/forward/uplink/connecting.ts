/**
 * Brings an uplink its session: makes the way to the destination once, prepares the session, and announces it. When the
 * session is lost, the uplink ends with the same reason.
 */
import { PorthopError } from "../../errors.ts";
import type { Telling } from "../../flow/telling.ts";
import { Route, type RoutePlan } from "../../ssh/route.ts";
import type { Session } from "../../ssh/session.ts";
import { Uplink } from "./uplink.ts";

export interface Connected {
  /** Resolves with the reason when the session is lost. Never resolves after `close`. */
  readonly lost: Promise<PorthopError>;
}

export class Connecting {
  readonly uplink = new Uplink<Session>();
  readonly #route: Route;

  constructor(plan: RoutePlan, telling: Telling) {
    this.#route = new Route(plan, telling);
  }

  /**
   * Resolves when a session stands. `prepare` runs before any dialer gets the session, so on the server it sees the
   * state before the first dial.
   */
  async connect(
    signal: AbortSignal,
    prepare: (session: Session) => Promise<void> = async () => {},
  ): Promise<Connected> {
    const session = await this.#route.connect(signal);
    await prepare(session);
    this.uplink.stands(session);
    const { lost } = session;
    void lost.then((reason) => this.uplink.end(reason));
    return { lost };
  }

  /** Ends the session, and also all waits for a session. */
  async close(): Promise<void> {
    this.uplink.end(new PorthopError("cancelled", "porthop is stopping"));
    await this.#route.close();
  }
}
