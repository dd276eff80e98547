/**
 * Brings an uplink its session: goes the way to the destination once, makes the session ready, and lets it stand. When
 * that session is lost the uplink ends with the same reason.
 */
import { PorthopError } from "../../errors.ts";
import type { Telling } from "../../flow/telling.ts";
import { Route, type RoutePlan } from "../../ssh/route.ts";
import type { Session } from "../../ssh/session.ts";
import { Uplink } from "./uplink.ts";

export interface Connected {
  /** Settles with the reason when there is no session any more, and `close` was not called. */
  readonly lost: Promise<PorthopError>;
}

export class Connecting {
  readonly uplink = new Uplink<Session>();
  readonly #route: Route;

  constructor(plan: RoutePlan, telling: Telling) {
    this.#route = new Route(plan, telling);
  }

  /**
   * Resolves when a session stands. `prepare` does with it what has to be done before anybody gets it: what it looks at
   * on the server is as it was before the first dial.
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

  /** Ends the session, and whoever still waits for one. */
  async close(): Promise<void> {
    this.uplink.end(new PorthopError("cancelled", "porthop is stopping"));
    await this.#route.close();
  }
}
