/**
 * The way of a tunnel to its sessions. Nobody keeps one: whoever dials asks for the session that stands. While there is
 * none they wait, until one stands, until they give up, or until it is known that there will be none any more.
 */
import type { PorthopError } from "../../errors.ts";
import type { StopHearing } from "../../flow/bus.ts";
import type { Cancel } from "../../flow/conn.ts";
import { OpenItems } from "../../flow/open-items.ts";

/** What an uplink needs of a session. */
export interface Losable {
  /** Why it is over, once it is. */
  readonly goneBy: PorthopError | undefined;
  /** Settles with the reason when it was lost, maybe later than `goneBy` is set; and never when it was closed from here. */
  readonly lost: Promise<PorthopError>;
}

export class Uplink<S extends Losable> {
  readonly #waiting = new OpenItems<Wait<S>>();
  /** Replaced, never changed, for it may be gone through just now. */
  #hearers: readonly Hearer<S>[] = [];
  #newest: S | undefined;
  #endedBy: PorthopError | undefined;

  /** The session that is there just now. */
  get standing(): S | undefined {
    return this.#newest?.goneBy === undefined ? this.#newest : undefined;
  }

  /** The session that stands, or the next one that does. Rejects once there will be none, or as the signal says. */
  session(signal: Cancel): Promise<S> {
    if (signal.aborted) return Promise.reject(signal.reason);
    const { standing } = this;
    if (standing !== undefined) return Promise.resolve(standing);
    return this.#endedBy === undefined ? this.#next(signal) : Promise.reject(this.#endedBy);
  }

  /**
   * One is there from now on. It takes the place of an earlier one, which gets no new dials any more. Throws the reason
   * where it was said already that there will be none.
   */
  stands(session: S): void {
    if (this.#endedBy !== undefined) throw this.#endedBy;
    // It may be lost before anybody got it.
    if (session.goneBy !== undefined) return;
    this.#newest = session;
    void session.lost.then(() => {
      if (this.#newest === session) this.#newest = undefined;
    });
    for (const hearer of this.#hearers) if (!hearer.hasLeft) hearer.hear(session);
    // Who heard of it may have found it gone.
    if (this.standing === session) for (const wait of this.#waiting.all()) wait.found(session);
  }

  /** There will be no other session than the one that stands, if one does. Of several reasons the first one counts. */
  end(reason: PorthopError): void {
    this.#endedBy ??= reason;
    this.#hearers = [];
    for (const wait of this.#waiting.all()) wait.failed(this.#endedBy);
  }

  /** Hears of each session that stands: of the present one at once, of those to come before any dial that waits. */
  onSession(hear: (session: S) => void): StopHearing {
    const hearer: Hearer<S> = { hear, hasLeft: false };
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

/** With methods, so that an uplink of whole sessions is one of all that has less. */
interface Wait<S> {
  found(session: S): void;
  failed(reason: PorthopError): void;
}

interface Hearer<S> {
  hear(session: S): void;
  hasLeft: boolean;
}
