/**
 * The listener of a forward on the server. A listener ends with its session, so porthop asks each new primary session to
 * listen again, and again when it refuses: the server may still hold the port for the session that was lost.
 */
import { type Address, isUnix } from "../../codec/address.ts";
import { PorthopError } from "../../errors.ts";
import type { Bus } from "../../flow/bus.ts";
import type { Accept, Cancel, Inbound, Listener } from "../../flow/conn.ts";
import { pause } from "../../io/after.ts";
import type { Session } from "../../ssh/session.ts";
import { ListenRetry, waitingReason } from "./listen-retry.ts";
import type { Losable, Uplink } from "./uplink.ts";

/** What is used of a session here. */
export interface ListeningSession extends Losable, Pick<Session, "leg" | "listen"> {}

/** What becomes of the listener after the first session. */
export interface LaterListeners {
  /** Hears of the listener of each later session. */
  readonly again?: ((listener: Listener) => void) | undefined;
  /** True when a first refusal is no end either: the listener has `refusedBy` then, and later sessions are asked. */
  readonly mayBeRefused?: boolean | undefined;
}

export interface ThereListening extends LaterListeners {
  /** The name of the forward for people. */
  readonly id: string;
  readonly listen: Address;
  readonly uplink: Pick<Uplink<ListeningSession>, "primary" | "onPrimary">;
  /** Hears when a later session does not give the listener that the session before gave. */
  readonly bus: Pick<Bus, "publish">;
  /** How it waits; by the clock when left out. */
  readonly pause?: typeof pause | undefined;
}

/**
 * Asks the server to listen. Rejects when the server refuses the first time. A session that is lost before an answer
 * does not count; the next session is asked. Later a refusal is no end.
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
  /** The newest session that was asked. */
  #session: ListeningSession | undefined;
  /** Ends what is done for that session: it is lost, there is a newer one, or the forward is closed. */
  #asking = new AbortController();
  #present: Listener | undefined;
  /** Where the server listened last, as it is shown. */
  #shown: Address;
  /** How often the server has refused since it listened last. */
  #refusals = 0;
  #isClosed = false;

  constructor(listening: ThereListening, accept: Accept) {
    this.#listening = listening;
    this.#accept = accept;
    this.#shown = listening.listen;
  }

  async begin(session: ListeningSession): Promise<Listener> {
    const { listen, mayBeRefused = false } = this.#listening;
    this.#session = session;
    try {
      const listener = await this.#ask(session, listen);
      [this.#shown] = listener.addresses;
      this.#present = listener;
      return listener;
    } catch (error) {
      if (!mayBeRefused || session.goneBy !== undefined || !isRefusal(error)) throw error;
      return { addresses: [listen], refusedBy: error, close: async () => {} };
    }
  }

  async renew(session: ListeningSession): Promise<void> {
    if (session === this.#session) return;
    this.#session = session;
    this.#asking.abort();
    const asking = new AbortController();
    this.#asking = asking;
    void session.lost.then(() => asking.abort());
    try {
      // While the earlier session still stands, its listener holds the port.
      await this.#present?.close();
      const listener = await this.#askUntilGiven(session, asking.signal);
      if (listener !== undefined) this.#took(listener);
    } catch (error) {
      if (isOver(session, asking.signal)) return;
      this.#listening.bus.publish({ event: "error", error: asPorthopError(error) });
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#asking.abort();
    await this.#present?.close();
  }

  /** Undefined when the listener of this session is not needed any more. */
  async #askUntilGiven(session: ListeningSession, signal: AbortSignal): Promise<Listener | undefined> {
    const { listen, pause: wait = pause } = this.#listening;
    const retry = new ListenRetry(listen, this.#known);
    while (!isOver(session, signal)) {
      try {
        const listener = await this.#ask(session, retry.wanted);
        if (!isOver(session, signal)) return listener;
        await listener.close();
      } catch (error) {
        // The loss of a session is reported elsewhere, and the next session is asked.
        if (isOver(session, signal)) return undefined;
        if (!isRefusal(error)) throw error;
        this.#refused();
        await wait(retry.refused(), signal);
      }
    }
    return undefined;
  }

  /** A port that frees within the first short wait is not worth a word. What is told is told once. */
  #refused(): void {
    const { id, listen, bus } = this.#listening;
    this.#refusals += 1;
    if (this.#refusals !== 2) return;
    bus.publish({ event: "forward.waiting", forward: id, reason: waitingReason(listen, this.#known) });
  }

  #took(listener: Listener): void {
    const { id, bus, again } = this.#listening;
    const [listen] = listener.addresses;
    const was = this.#shown;
    this.#present = listener;
    this.#shown = listen;
    this.#refusals = 0;
    const isMoved = portOf(was) !== 0 && portOf(listen) !== portOf(was);
    if (isMoved) bus.publish({ event: "forward.moved", forward: id, listen, was });
    again?.(listener);
  }

  /** What to ask for: people know the port that the server has chosen. */
  get #known(): Address {
    const { listen } = this.#listening;
    return isUnix(listen) ? listen : { ...listen, port: portOf(this.#shown) };
  }

  #ask(session: ListeningSession, wanted: Address): Promise<Listener> {
    const { leg } = session;
    const accept = (inbound: Inbound) => {
      // The server's yes may arrive after the forward was closed here.
      if (this.#isClosed) inbound.refuse(new PorthopError("cancelled", "this forward is closed"));
      else this.#accept({ ...inbound, session: leg });
    };
    return session.listen(wanted, accept, this.#listening.id);
  }
}

/** True when a listener of this session is of no use any more. */
function isOver({ goneBy }: ListeningSession, signal: AbortSignal): boolean {
  return signal.aborted || goneBy !== undefined;
}

function isRefusal(error: unknown): error is PorthopError {
  return error instanceof PorthopError && error.code === "forward.refused";
}

/** 0 for a unix socket, and for a port that nobody has chosen yet. */
function portOf(address: Address): number {
  return isUnix(address) ? 0 : address.port;
}

function asPorthopError(error: unknown): PorthopError {
  if (error instanceof PorthopError) return error;
  return new PorthopError("internal", `a listener on the server failed: ${String(error)}`, { cause: error });
}
