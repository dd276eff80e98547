/**
 * The way of a tunnel to its sessions. No other part keeps a session: each dialer asks for the standing session.
 * Without one the dialer waits, until a session stands, until the dialer gives up, or until it is certain that no
 * session will come.
 */
import type { PorthopError } from "../../errors.ts";
import type { StopHearing } from "../../flow/bus.ts";
import type { Cancel } from "../../flow/conn.ts";
import { OpenItems } from "../../flow/open-items.ts";

/** What an uplink needs of a session. */
export interface Losable {
  /** Why the session is over; undefined before. */
  readonly goneBy: PorthopError | undefined;
  /**
   * Resolves with the reason when the session is lost, maybe a little later than `goneBy` is set. Never resolves when
   * porthop closed the session.
   */
  readonly lost: Promise<PorthopError>;
}

export class Uplink<S extends Losable> {
  readonly #waiting = new OpenItems<Wait<S>>();
  /** This array is replaced and never changed, because a loop over it may be under way. */
  #hearers: readonly SessionHearer<S>[] = [];
  #newest: S | undefined;
  #endedBy: PorthopError | undefined;

  /** The session that stands now; undefined when none does. */
  get standing(): S | undefined {
    return this.#newest?.goneBy === undefined ? this.#newest : undefined;
  }

  /**
   * The standing session, or the next one. Rejects with the reason when no session will come, or with the signal's
   * reason.
   */
  session(signal: Cancel): Promise<S> {
    if (signal.aborted) return Promise.reject(signal.reason);
    const { standing } = this;
    if (standing !== undefined) return Promise.resolve(standing);
    return this.#endedBy === undefined ? this.#next(signal) : Promise.reject(this.#endedBy);
  }

  /**
   * Announces a session. It replaces an earlier session, which gets no new dials. Throws the reason when `end` was
   * called before.
   */
  stands(session: S): void {
    if (this.#endedBy !== undefined) throw this.#endedBy;
    // The session may be lost before any dialer got it.
    if (session.goneBy !== undefined) return;
    this.#newest = session;
    void session.lost.then(() => {
      if (this.#newest === session) this.#newest = undefined;
    });
    for (const hearer of this.#hearers) if (!hearer.hasLeft) hearer.hear(session);
    // A hearer may have found out that the session is gone.
    if (this.standing === session) for (const wait of this.#waiting.all()) wait.found(session);
  }

  /** No other session will come after the standing one. When there are several reasons, the first counts. */
  end(reason: PorthopError): void {
    this.#endedBy ??= reason;
    this.#hearers = [];
    for (const wait of this.#waiting.all()) wait.failed(this.#endedBy);
  }

  /**
   * `hear` is called for the standing session at once, and for each later session before any waiting dial gets it.
   * Returns a function that stops this.
   */
  onSession(hear: (session: S) => void): StopHearing {
    const hearer: SessionHearer<S> = { hear, hasLeft: false };
    this.#hearers = [...this.#hearers, hearer];
    if (this.standing !== undefined) hear(this.standing);
    return () => {
      hearer.hasLeft = true;
      this.#hearers = this.#hearers.filter((other) => other !== hearer);
    };
  }

  #next(signal: Cancel): Promise<S> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        leaveWaiting();
        signal.removeEventListener("abort", giveUp);
      };
      const giveUp = () => {
        leave();
        reject(signal.reason);
      };
      const leaveWaiting = this.#waiting.add({
        found(session) {
          leave();
          resolve(session);
        },
        failed(reason) {
          leave();
          reject(reason);
        },
      });
      signal.addEventListener("abort", giveUp, { once: true });
    });
  }
}

/**
 * Methods, and no function properties. With methods, TypeScript accepts an uplink of whole sessions where an uplink of
 * smaller ones is wanted.
 */
interface Wait<S> {
  found(session: S): void;
  failed(reason: PorthopError): void;
}

interface SessionHearer<S> {
  hear(session: S): void;
  hasLeft: boolean;
}
