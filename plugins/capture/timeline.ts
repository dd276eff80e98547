/**
 * Brings what happens on all legs into one order of time, in which no track begins before its addresses are known: while
 * the first event in line waits for that, those behind it wait too. Events come with times that grow, and go on so.
 */
import type { Track, TrackEvent } from "./track.ts";

/** What comes after the timeline. */
export interface NextStep {
  take(event: TrackEvent): void;
}

/** Events that wait may hold this many bytes of payload; then the one in front goes on with what is known. */
const heldBytes = 8 * 1024 * 1024;

export class Timeline {
  readonly #next: NextStep;
  #waiting: TrackEvent[] = [];
  #waitingBytes = 0;

  constructor(next: NextStep) {
    this.#next = next;
  }

  /** Hands the event on, at once or when all that came before could go. */
  add(event: TrackEvent): void {
    if (this.#waiting.length === 0 && event.track.ready) {
      this.#next.take(event);
      return;
    }
    this.#waiting.push(event);
    this.#waitingBytes += payloadBytes(event);
    while (this.#waitingBytes > heldBytes) this.#beginFirst();
  }

  /** The addresses of this track are as good as they will get. */
  begin(track: Track): void {
    track.ready = true;
    this.#advance();
  }

  /** Hands on all that waits, whatever is known by then. */
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
