/**
 * The way of a tunnel to its sessions. No other part keeps a session: each dialer asks for one, and gets the standing
 * session in which the least is going on. Without one the dialer waits, until a session stands, until the dialer or its
 * hold gives up, or until it is certain that no session will come.
 */
import { formatDuration } from "../../codec/units.ts";
import { PorthopError } from "../../errors.ts";
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
  /** How many bytes are on their way in this session now. */
  readonly waiting: number;
}

export interface UplinkOptions {
  /** How long a connection waits for a session, counted from its accept (--hold). Without a limit when left out. */
  readonly holdMs?: number | undefined;
  /** Called each time that somebody asks while no session stands, also when they may not wait. */
  readonly wanted?: (() => void) | undefined;
}

/** How many connections may wait at one time. Each may keep a socket and what its client has sent. */
const mostHeld = 1000;

export class Uplink<S extends Losable> {
  readonly #options: UplinkOptions;
  readonly #waiting = new OpenItems<Wait<S>>();
  /** This array is replaced and never changed, because a loop over it may be under way. */
  #hearers: readonly SessionHearer<S>[] = [];
  /** The sessions that stand, the oldest first, with the number of dials that each has got. */
  #standing: readonly Standing<S>[] = [];
  /** The session that the hearers know. */
  #told: S | undefined;
  #outage: PorthopError | undefined;
  #endedBy: PorthopError | undefined;

  constructor(options: UplinkOptions = {}) {
    this.#options = options;
  }

  /** The primary session, which is the oldest that stands; undefined when none does. */
  get standing(): S | undefined {
    return this.all[0];
  }

  /** All sessions that stand, the oldest first. */
  get all(): readonly S[] {
    return this.#standing.flatMap(({ session }) => (session.goneBy === undefined ? [session] : []));
  }

  /** How many wait for a session. */
  get held(): number {
    return this.#waiting.size;
  }

  /**
   * A standing session, or the next one. Rejects with the signal's reason, with the reason when no session will come,
   * and when the hold is over. `sinceMs` is when the connection was accepted (performance.now); whoever leaves it out is
   * not held and waits without a limit.
   */
  session(signal: Cancel, sinceMs?: number): Promise<S> {
    if (signal.aborted) return Promise.reject(signal.reason);
    const best = this.#best();
    if (best !== undefined) return Promise.resolve(best);
    if (this.#endedBy !== undefined) return Promise.reject(this.#endedBy);
    const { holdMs, wanted } = this.#options;
    wanted?.();
    if (sinceMs === undefined || holdMs === undefined) return this.#next(signal, undefined);
    const leftMs = sinceMs + holdMs - performance.now();
    if (leftMs <= 0) return Promise.reject(this.#unheld(holdMs));
    if (this.held >= mostHeld) return Promise.reject(this.#crowded());
    return this.#next(signal, { leftMs, over: () => this.#unheld(holdMs) });
  }

  /** The primary session, or the next one that stands. Rejects as `session` does, and is not held. */
  primary(signal: Cancel): Promise<S> {
    return this.standing === undefined ? this.session(signal) : Promise.resolve(this.standing);
  }

  /** Announces a session. Throws the reason when `end` was called before. */
  stands(session: S): void {
    if (this.#endedBy !== undefined) throw this.#endedBy;
    // The session may be lost before any dialer got it.
    if (session.goneBy !== undefined) return;
    // A new session joins the turn. From 0 on, it would get each dial until it has caught up with the others.
    const dials = Math.max(0, ...this.#standing.map((other) => other.dials));
    this.#standing = [...this.#standing, { session, dials }];
    void session.lost.then(() => {
      this.#standing = this.#standing.filter((other) => other.session !== session);
      this.#tellPrimary();
    });
    this.#tellPrimary();
    // A hearer may have found out that the session is gone.
    if (session.goneBy !== undefined) return;
    this.#outage = undefined;
    for (const wait of this.#waiting.all()) wait.found(this.#best() ?? session);
  }

  /** No session stands, for this reason. Whose hold ends meanwhile reads it. */
  isOut(reason: PorthopError): void {
    this.#outage = reason;
  }

  /** No other session will come after the standing ones. When there are several reasons, the first counts. */
  end(reason: PorthopError): void {
    this.#endedBy ??= reason;
    this.#hearers = [];
    for (const wait of this.#waiting.all()) wait.failed(this.#endedBy);
  }

  /**
   * `hear` is called for the primary session at once, and for each later primary before any waiting dial gets it: only
   * one session at a time keeps the listeners on the server. Returns a function that stops this.
   */
  onPrimary(hear: (session: S) => void): StopHearing {
    const hearer: SessionHearer<S> = { hear, hasLeft: false };
    this.#hearers = [...this.#hearers, hearer];
    if (this.standing !== undefined) hear(this.standing);
    return () => {
      hearer.hasLeft = true;
      this.#hearers = this.#hearers.filter((other) => other !== hearer);
    };
  }

  #tellPrimary(): void {
    const primary = this.standing;
    if (primary === undefined || primary === this.#told) return;
    this.#told = primary;
    for (const hearer of this.#hearers) if (!hearer.hasLeft) hearer.hear(primary);
  }

  /** The session with the fewest bytes on their way; among equals the one that got the fewest dials. */
  #best(): S | undefined {
    let best: Standing<S> | undefined;
    for (const each of this.#standing) {
      if (each.session.goneBy === undefined && (best === undefined || isFreer(each, best))) best = each;
    }
    if (best !== undefined) best.dials += 1;
    return best?.session;
  }

  #next(signal: Cancel, hold: { readonly leftMs: number; over(): PorthopError } | undefined): Promise<S> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        leaveWaiting();
        clearTimeout(timer);
        signal.removeEventListener("abort", giveUp);
      };
      const giveUp = () => {
        leave();
        reject(signal.reason);
      };
      const failed = (reason: PorthopError) => {
        leave();
        reject(reason);
      };
      const leaveWaiting = this.#waiting.add({
        found(session) {
          leave();
          resolve(session);
        },
        failed,
      });
      const timer = hold === undefined ? undefined : setTimeout(() => failed(hold.over()), hold.leftMs);
      signal.addEventListener("abort", giveUp, { once: true });
    });
  }

  #unheld(holdMs: number): PorthopError {
    const within = holdMs === 0 ? "" : ` within ${formatDuration(holdMs)}`;
    return this.#without(`no session came back${within}`, "--hold says how long a connection waits for the session");
  }

  #crowded(): PorthopError {
    return this.#without(`${mostHeld} connections wait for the session already`, undefined);
  }

  #without(what: string, hint: string | undefined): PorthopError {
    const outage = this.#outage;
    const why = outage === undefined ? "" : `: ${outage.message}`;
    return new PorthopError("ssh.unreachable", `${what}${why}`, { leg: 2, hint: hint ?? outage?.hint, cause: outage });
  }
}

function isFreer<S extends Losable>(one: Standing<S>, other: Standing<S>): boolean {
  const difference = one.session.waiting - other.session.waiting;
  return difference < 0 || (difference === 0 && one.dials < other.dials);
}

interface Standing<S> {
  readonly session: S;
  dials: number;
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
