/**
 * The listener of a forward on the server. A listener ends with its session, so porthop asks each new session to listen
 * again. Each connection carries the facts of the session that it came through.
 */
import { type Address, isUnix } from "../../codec/address.ts";
import { PorthopError } from "../../errors.ts";
import type { Bus } from "../../flow/bus.ts";
import type { Accept, Cancel, Inbound, Listener } from "../../flow/conn.ts";
import type { Session } from "../../ssh/session.ts";
import type { Losable, Uplink } from "./uplink.ts";

/** What is used of a session here. */
export interface ListeningSession extends Losable, Pick<Session, "leg" | "listen"> {}

export interface ThereListening {
  /** The name of the forward for people. */
  readonly id: string;
  readonly listen: Address;
  readonly uplink: Pick<Uplink<ListeningSession>, "primary" | "onPrimary">;
  /** Hears of the error when a later session does not get the listener that the first session had. */
  readonly bus: Pick<Bus, "publish">;
}

/**
 * Asks the server to listen. Rejects when the server refuses. A session that is lost before an answer does not count;
 * the next session is asked.
 */
export async function listenThere(listening: ThereListening, accept: Accept, signal: Cancel): Promise<Listener> {
  const { uplink } = listening;
  const there = new ThereListener(listening, accept);
  const first = await firstOf(there, uplink, signal);
  const stopHearing = uplink.onPrimary((session) => void there.renew(session));
  return {
    ...first,
    close() {
      stopHearing();
      return there.close();
    },
  };
}

async function firstOf(
  there: ThereListener,
  uplink: Pick<Uplink<ListeningSession>, "primary">,
  signal: Cancel,
): Promise<Listener> {
  for (;;) {
    const session = await uplink.primary(signal);
    try {
      return await there.begin(session);
    } catch (error) {
      // A session that was lost before its answer tells nothing about the next session.
      if (session.goneBy === undefined) throw error;
    }
  }
}

class ThereListener {
  readonly #listening: ThereListening;
  readonly #accept: Accept;
  /** The address to ask for. When the server has chosen the port, later sessions ask for that port. */
  #listen: Address;
  /** The newest session that was asked. */
  #session: ListeningSession | undefined;
  #present: Listener | undefined;
  #isClosed = false;

  constructor(listening: ThereListening, accept: Accept) {
    this.#listening = listening;
    this.#accept = accept;
    this.#listen = listening.listen;
  }

  async begin(session: ListeningSession): Promise<Listener> {
    this.#session = session;
    const listener = await this.#ask(session);
    this.#listen = withPortOf(listener.addresses[0], this.#listen);
    this.#present = listener;
    return listener;
  }

  async renew(session: ListeningSession): Promise<void> {
    if (session === this.#session) return;
    this.#session = session;
    try {
      // While the earlier session still stands, its listener holds the port.
      await this.#present?.close();
      if (this.#isOver(session)) return;
      this.#present = undefined;
      const listener = await this.#ask(session);
      if (this.#isOver(session)) await listener.close();
      else this.#present = listener;
    } catch (error) {
      // The loss of a session is reported elsewhere, and the next session is asked.
      if (this.#isOver(session) || session.goneBy !== undefined) return;
      this.#listening.bus.publish({ event: "error", error: asPorthopError(error) });
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#present?.close();
  }

  #ask(session: ListeningSession): Promise<Listener> {
    const { leg } = session;
    const accept = (inbound: Inbound) => {
      // The server's yes may arrive after the forward was closed here.
      if (this.#isClosed) inbound.refuse(new PorthopError("cancelled", "this forward is closed"));
      else this.#accept({ ...inbound, session: leg });
    };
    return session.listen(this.#listen, accept, this.#listening.id);
  }

  /** True when the listener of this session is no longer needed. */
  #isOver(session: ListeningSession): boolean {
    return this.#isClosed || this.#session !== session;
  }
}

/** When the server chose the port, the next session must ask for that port, because people know it by then. */
function withPortOf(given: Address, asked: Address): Address {
  return isUnix(asked) || isUnix(given) ? asked : { ...asked, port: given.port };
}

function asPorthopError(error: unknown): PorthopError {
  if (error instanceof PorthopError) return error;
  return new PorthopError("internal", `a listener on the server failed: ${String(error)}`, { cause: error });
}
