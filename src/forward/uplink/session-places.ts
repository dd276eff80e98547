/**
 * The places for the sessions that a tunnel wants, and when an attempt is due at each of them. Without clock and timer:
 * all times are of one clock, which the caller reads.
 */

/** A place as it is seen here. */
export interface DuePlace {
  /** Undefined while the session is missing. */
  readonly session: object | undefined;
  /** When the next attempt is due; undefined when none is. */
  dueMs: number | undefined;
  mayHurry: boolean;
  /** A wait that nothing may cut short ends here. */
  notBeforeMs: number;
  /** No session will come here any more. */
  readonly isGivenUp: boolean;
}

export class SessionPlaces<P extends DuePlace> {
  #all: readonly P[];

  constructor(all: readonly P[]) {
    this.#all = all;
  }

  get all(): readonly P[] {
    return this.#all;
  }

  /** The one that is due first; undefined when none is. */
  get next(): P | undefined {
    let next: P | undefined;
    for (const place of this.#all) {
      if (place.dueMs !== undefined && (next?.dueMs === undefined || place.dueMs < next.dueMs)) next = place;
    }
    return next;
  }

  /** While no session stands one place tries for all: the one that is due first. */
  parkOthers(): void {
    const { next } = this;
    for (const place of this.#all) if (place !== next) place.dueMs = undefined;
  }

  /** What a server, or the network, does to one place it does to all: none is tried before the one that failed. */
  delayOthers(failed: P): void {
    for (const place of this.#all) {
      if (place.dueMs === undefined || failed.dueMs === undefined || place.dueMs >= failed.dueMs) continue;
      place.dueMs = failed.dueMs;
      if (failed.mayHurry) continue;
      Object.assign(place, { mayHurry: false, notBeforeMs: failed.notBeforeMs });
    }
  }

  /** A session stands, and the places that miss one go on. */
  goOn(nowMs: number): void {
    for (const place of this.#all) {
      if (place.session !== undefined || place.isGivenUp) continue;
      place.dueMs ??= Math.max(nowMs, place.notBeforeMs);
    }
  }

  /** Cuts each wait short that may be. */
  hurry(soonestMs: number): void {
    for (const place of this.#all) {
      if (place.mayHurry && place.dueMs !== undefined) place.dueMs = Math.min(place.dueMs, soonestMs);
    }
  }

  /** From now on each wait may be cut short. */
  allowHurry(): void {
    for (const place of this.#all) Object.assign(place, { mayHurry: true, notBeforeMs: 0 });
  }

  /** Leaves the places out that miss a session. Returns these. */
  dropMissing(): readonly P[] {
    const dropped = this.#all.filter(({ session }) => session === undefined);
    this.#all = this.#all.filter(({ session }) => session !== undefined);
    return dropped;
  }
}
