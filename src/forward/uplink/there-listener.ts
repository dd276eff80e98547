/**
 * The listener of a forward on the server: asked for with the session that stands, and anew with each one after it, for a
 * listener ends with its session. What comes in says which session it came by.
 */
import { type Address, isUnix } from "../../codec/address.ts";
import { PorthopError } from "../../errors.ts";
import type { Bus } from "../../flow/bus.ts";
import type { Cancel, Inbound, Listener } from "../../flow/conn.ts";
import type { Session } from "../../ssh/session.ts";
import type { Losable, Uplink } from "./uplink.ts";

/** What is used of a session here. */
export interface ListeningSession extends Losable, Pick<Session, "leg" | "listen"> {}

export interface ThereListening {
  /** Of the forward, for people. */
  readonly id: string;
  readonly listen: Address;
  readonly uplink: Pick<Uplink<ListeningSession>, "session" | "onSession">;
  /** Told when a later session does not get what the first one had. */
  readonly bus: Pick<Bus, "publish">;
}

/** Rejects when the first session that lives to have an answer does not get it. */
export async function listenThere(
  listening: ThereListening,
  accept: (inbound: Inbound) => void,
  signal: Cancel,
): Promise<Listener> {
  const { uplink } = listening;
  const there = new ThereListener(listening, accept);
  const { addresses, remarks = [] } = await firstOf(there, uplink, signal);
  const stopHearing = uplink.onSession((session) => void there.renew(session));
  return {
    addresses,
    remarks,
    close() {
      stopHearing();
      return there.close();
    },
  };
}

async function firstOf(
  there: ThereListener,
  uplink: Pick<Uplink<ListeningSession>, "session">,
  signal: Cancel,
): Promise<Listener> {
  for (;;) {
    const session = await uplink.session(signal);
    try {
      return await there.begin(session);
    } catch (error) {
      // One that was lost before it had an answer says nothing of the next.
      if (session.goneBy === undefined) throw error;
    }
  }
}

class ThereListener {
  readonly #listening: ThereListening;
  readonly #accept: (inbound: Inbound) => void;
  /** Where to ask for it: with the port that was given, once one was. */
  #listen: Address;
  /** The newest that it was asked of. */
  #session: ListeningSession | undefined;
  #present: Listener | undefined;
  #isClosed = false;

  constructor(listening: ThereListening, accept: (inbound: Inbound) => void) {
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
      // Where the session before still stands, its listener has the port.
      await this.#present?.close();
      if (this.#isOver(session)) return;
      this.#present = undefined;
      const listener = await this.#ask(session);
      if (this.#isOver(session)) await listener.close();
      else this.#present = listener;
    } catch (error) {
      // That a session was lost is told by itself, and the next one is asked.
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
      // The server may say yes only after we had enough of it.
      if (this.#isClosed) inbound.refuse(new PorthopError("cancelled", "this forward is closed"));
      else this.#accept({ ...inbound, session: leg });
    };
    return session.listen(this.#listen, accept, this.#listening.id);
  }

  /** Nobody wants this session's listener any more. */
  #isOver(session: ListeningSession): boolean {
    return this.#isClosed || this.#session !== session;
  }
}

/** Where any port would do, the one that was given must come back: others know it by then. */
function withPortOf(given: Address, asked: Address): Address {
  return isUnix(asked) || isUnix(given) ? asked : { ...asked, port: given.port };
}

function asPorthopError(error: unknown): PorthopError {
  if (error instanceof PorthopError) return error;
  return new PorthopError("internal", `a listener on the server failed: ${String(error)}`, { cause: error });
}
