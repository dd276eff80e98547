/**
 * The event bus: what happens in a tunnel is published once, and heard by whoever asked for it, at once and in the order
 * in which they asked. Hearers may come and go at any time, also while an event is told.
 */
import type { TunnelEvent } from "../plugin.ts";
import type { BusEvent, EventName, EventNamed } from "./event.ts";

/** Ends the hearing. */
export type StopHearing = () => void;

export class Bus {
  /** Lists are replaced, never changed, for one may be gone through just now. */
  readonly #hearers = new Map<EventName, readonly Hearer[]>();

  /** Who throws is a defect, and is not caught here. */
  publish(event: BusEvent): void {
    const hearers = this.#hearers.get(event.event);
    if (hearers === undefined) return;
    for (const hearer of hearers) if (!hearer.hasLeft) hearer.hear(event);
  }

  /** Hears the events of that name that are published from now on. */
  on<N extends EventName>(name: N, hear: (event: EventNamed<N>) => void): StopHearing {
    const hearer: Hearer = { hear, hasLeft: false };
    this.#hearers.set(name, [...(this.#hearers.get(name) ?? []), hearer]);
    return () => {
      hearer.hasLeft = true;
      const others = this.#hearers.get(name)?.filter((other) => other !== hearer) ?? [];
      if (others.length > 0) this.#hearers.set(name, others);
      else this.#hearers.delete(name);
    };
  }

  /** Whether anybody would hear it: what costs something is made only then. */
  isHeard(name: EventName): boolean {
    return this.#hearers.has(name);
  }

  /** Hears all that the contract has, and nothing of the inside. */
  onPublic(hear: (event: TunnelEvent) => void): StopHearing {
    const stops = publicEvents.map((name) => this.on(name, hear));
    return () => {
      for (const stop of stops) stop();
    };
  }
}

/** Each event of the contract, by name: the compiler counts them. */
const isPublic: Readonly<Record<TunnelEvent["event"], true>> = {
  session: true,
  listening: true,
  ready: true,
  "flow.open": true,
  "flow.close": true,
  error: true,
};

export const publicEvents = Object.keys(isPublic) as readonly (keyof typeof isPublic)[];

interface Hearer {
  /** A method, so that one for events of a single name fits; it stands in the list of that name. */
  hear(event: BusEvent): void;
  hasLeft: boolean;
}
