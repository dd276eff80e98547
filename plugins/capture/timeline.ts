/**
 * Brings the events of all legs into one order of time. No track begins before its addresses are known: while the first
 * event waits for addresses, all events behind it wait too. Events come in with rising times, and go out with rising
 * times.
 */
import type { Track, TrackEvent } from "./track.ts";

/** The step that takes events from the timeline. */
export interface NextStep {
  take(event: TrackEvent): void;
}

/**
 * The most payload bytes that waiting events may hold. Beyond that, the first event goes on with the addresses known so
 * far.
 */
const heldBytes = 8 * 1024 * 1024;

export class Timeline {
  readonly #next: NextStep;
  #waiting: TrackEvent[] = [];
  #waitingBytes = 0;

  constructor(next: NextStep) {
    this.#next = next;
  }

  /** Hands the event on: at once, or when all events before it were handed on. */
  add(event: TrackEvent): void {
    if (this.#waiting.length === 0 && event.track.ready) {
      this.#next.take(event);
      return;
    }
    this.#waiting.push(event);
    this.#waitingBytes += payloadBytes(event);
    while (this.#waitingBytes > heldBytes) this.#beginFirst();
  }

  /** Call this when the addresses of the track are as good as they will get. */
  begin(track: Track): void {
    track.ready = true;
    this.#advance();
  }

  /** Hands on all waiting events, with the addresses known so far. */
  finish(): void {
    while (this.#waiting.length > 0) this.#beginFirst();
  }

  #beginFirst(): void {
    const [first] = this.#waiting;
    if (first !== undefined) this.begin(first.track);
  }

  #advance(): void {
    let done = 0;
    for (const event of this.#waiting) {
      if (!event.track.ready) break;
      done += 1;
      this.#waitingBytes -= payloadBytes(event);
      this.#next.take(event);
    }
    if (done > 0) this.#waiting = this.#waiting.slice(done);
  }
}

function payloadBytes(event: TrackEvent): number {
  return event.kind === "data" ? event.bytes : 0;
}
