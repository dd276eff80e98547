/**
 * What people read while the session is gone, and when it is back. An outage may last for hours, so most of its tries are
 * told for debugging only: a log shows why there is no session, that porthop still tries, and little more.
 */
import { formatAddress } from "../codec/address.ts";
import { formatWait } from "../codec/units.ts";
import type { EventNamed } from "../flow/event.ts";
import { visible } from "../text/terminal-text.ts";

export interface OutageLine {
  readonly level: "warn" | "info" | "debug";
  readonly text: string;
}

/** The first tries of an outage are all told. */
const firstTries = 3;
/** After this time a try is told again, whatever its reason. */
const repeatMs = 10 * 60_000;
/** So many different reasons are told in the time above. A server may have a new one each time. */
const mostReasons = 5;
/** A session that stands for less than this does not end the outage: a server may take and drop each session. */
const calmMs = 60_000;

export class OutageWords {
  readonly #now: () => number;
  /** Where the last session went, and when it began to stand. */
  #last: { readonly where: string; readonly sinceMs: number } | undefined;
  /** Since when a session is missing. */
  #missingSinceMs: number | undefined;
  /** True when a try of this loss was told. The return of the session is then told too. */
  #isTold = false;
  #tries = 0;
  #toldAtMs = Number.NEGATIVE_INFINITY;
  #longestWait = Number.NEGATIVE_INFINITY;
  readonly #reasons = new Set<string>();
  readonly #waiting = new Map<string, Set<string>>();

  constructor(now: () => number) {
    this.#now = now;
  }

  reconnect(event: EventNamed<"reconnect">): OutageLine {
    const { reason, attempt, inMs } = event;
    const missingMs = this.#begin();
    this.#tries++;
    // Each of these has an effect, so all are asked.
    const isWorthTelling = [this.#tries <= firstTries, this.#isLongAgo(), this.#isLonger(inMs), this.#isNew(reason)];
    const isTold = isWorthTelling.includes(true);
    if (isTold) {
      this.#isTold = true;
      this.#toldAtMs = this.#now();
    }
    const effort = attempt > firstTries ? ` (attempt ${attempt}, for ${formatWait(missingMs)} now)` : "";
    return { level: isTold ? "warn" : "debug", text: `${tryingAgain(event)}${effort}` };
  }

  /** A session is gone. When one is wanted in its place, `reconnect` follows. */
  lost(): void {
    this.#begin();
  }

  /** A session stands. Undefined for the first one, unless it took several tries. */
  stands({ user, host, port, attempt }: EventNamed<"session">): OutageLine | undefined {
    const missingSinceMs = this.#missingSinceMs;
    const before = this.#last;
    const where = `${user}@${formatAddress({ host, port })}`;
    this.#last = { where, sinceMs: this.#now() };
    if (missingSinceMs === undefined) return undefined;
    this.#missingSinceMs = undefined;
    const level = this.#isTold ? "info" : "debug";
    this.#isTold = false;
    const again = before === undefined ? "" : " again";
    const to = before === undefined || before.where === where ? "" : ` to ${where}`;
    const tries = attempt > 1 ? ` (attempt ${attempt})` : "";
    return { level, text: `connected${again}${to} after ${formatWait(this.#now() - missingSinceMs)}${tries}` };
  }

  /** The same forward and reason are told once in an outage. */
  waiting({ forward, reason }: EventNamed<"forward.waiting">): OutageLine {
    const reasons = this.#waiting.get(forward) ?? new Set();
    this.#waiting.set(forward, reasons);
    return { level: addNew(reasons, reason) ? "warn" : "debug", text: `${forward}: ${visible(reason)}` };
  }

  /** Begins an outage, or goes on with one. Returns for how long a session is missing. */
  #begin(): number {
    const now = this.#now();
    if (this.#missingSinceMs === undefined) {
      this.#missingSinceMs = now;
      if (this.#last === undefined || now - this.#last.sinceMs >= calmMs) this.#forget();
    }
    return now - this.#missingSinceMs;
  }

  #forget(): void {
    this.#tries = 0;
    this.#toldAtMs = Number.NEGATIVE_INFINITY;
    this.#longestWait = Number.NEGATIVE_INFINITY;
    this.#reasons.clear();
    this.#waiting.clear();
  }

  #isLongAgo(): boolean {
    if (this.#now() - this.#toldAtMs < repeatMs) return false;
    this.#reasons.clear();
    return true;
  }

  /** The wait has got another order: it is below a second, below ten, below a hundred. */
  #isLonger(inMs: number): boolean {
    const order = Math.floor(Math.log10(Math.max(inMs, 1)));
    if (order <= this.#longestWait) return false;
    this.#longestWait = order;
    return true;
  }

  #isNew(reason: string): boolean {
    return addNew(this.#reasons, reason);
  }
}

/** Why there is no session, and when one is tried again. */
export function tryingAgain({ reason, inMs }: EventNamed<"reconnect">): string {
  return `${visible(reason)}; trying again ${inMs < 1 ? "at once" : `in ${formatWait(inMs)}`}`;
}

/** Two reasons that differ in a number only are one: the number may be a port or a time. */
function addNew(reasons: Set<string>, reason: string): boolean {
  const kind = reason.replace(/\d+/g, "0");
  if (reasons.has(kind) || reasons.size >= mostReasons) return false;
  reasons.add(kind);
  return true;
}
