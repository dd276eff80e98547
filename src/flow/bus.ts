/**
 * The event bus: what happens in a tunnel is published once. Each hearer is called at once, in the order in which
 * hearers asked. Hearers may come and go at any time, also while an event is being told.
 */
import type { TunnelEvent } from "../plugin.ts";
import type { BusEvent, EventName, EventNamed } from "./event.ts";

/** Ends the hearing: the hearer is not called again. */
export type StopHearing = () => void;

export class Bus {
  /** Each list is replaced and never changed, because `publish` may be going through the old list. */
  readonly #hearers = new Map<EventName, readonly Hearer[]>();

  /** A hearer must not throw. An error of a hearer is a defect of porthop, and is not caught here. */
  publish(event: BusEvent): void {
    const hearers = this.#hearers.get(event.event);
    if (hearers === undefined) return;
    for (const hearer of hearers) if (!hearer.hasLeft) hearer.hear(event);
  }

  /** Calls `hear` for each event of this name that is published from now on. */
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

  /** Whether anybody hears events of this name. Events that are costly to make are made only then. */
  isHeard(name: EventName): boolean {
    return this.#hearers.has(name);
  }

  /** Calls `hear` for all events of the plugin contract, and for no event of porthop's inside. */
  onPublic(hear: (event: TunnelEvent) => void): StopHearing {
    const stops = publicEvents.map((name) => this.on(name, hear));
    return () => {
      for (const stop of stops) stop();
    };
  }
}

/** The names of all events of the contract. The compiler finds a name that is missing here. */
const isPublic: Readonly<Record<TunnelEvent["event"], true>> = {
  session: true,
  listening: true,
  ready: true,
  reconnect: true,
  held: true,
  "forward.moved": true,
  "forward.waiting": true,
  "flow.open": true,
  "flow.close": true,
  error: true,
};

export const publicEvents = Object.keys(isPublic) as readonly (keyof typeof isPublic)[];

interface Hearer {
  /**
   * This is written as a method, because TypeScript then accepts a hearer for a single event. Each hearer stands only
   * in the list of its own event.
   */
  hear(event: BusEvent): void;
  hasLeft: boolean;
}
