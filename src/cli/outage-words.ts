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
  /** No session stands. */
  readonly #whole: Outage;
  /** One of several is missing, and others go on. */
  readonly #part: Outage;
  readonly #standing = new Set<string>();
  /** So many have stood at the same time. */
  #most = 0;
  #where: string | undefined;
  readonly #waiting = new Map<string, Set<string>>();

  constructor(now: () => number) {
    const forget = () => this.#waiting.clear();
    this.#whole = new Outage(now, forget);
    this.#part = new Outage(now, forget);
  }

  reconnect(event: EventNamed<"reconnect">): OutageLine {
    const others = this.#standing.size;
    const { isTold, missingMs } = (others === 0 ? this.#whole : this.#part).tries(event);
    const { attempt } = event;
    const what = others === 0 ? "no session" : "one is missing";
    const effort = attempt > firstTries ? ` (attempt ${attempt}; ${what} for ${formatWait(missingMs)})` : "";
    return { level: isTold ? "warn" : "debug", text: `${tryingAgain(event, others)}${effort}` };
  }

  /** A session is gone. When one is wanted in its place, `reconnect` follows. */
  gone({ id }: Pick<EventNamed<"session">, "id">): void {
    if (!this.#standing.delete(id)) return;
    if (this.#standing.size === 0) this.#whole.begin();
    else this.#part.beginAnew();
  }

  /** A session stands. Undefined when none was missed. */
  stands({ id, user, host, port, attempt }: EventNamed<"session">): OutageLine | undefined {
    const before = this.#where;
    const where = `${user}@${formatAddress({ host, port })}`;
    this.#where = where;
    const isFirst = this.#standing.size === 0;
    this.#standing.add(id);
    this.#most = Math.max(this.#most, this.#standing.size);
    const isOver = isFirst || this.#standing.size === this.#most;
    const over = (isFirst ? this.#whole : this.#part).stands(isOver);
    if (over === undefined) return undefined;
    const isElsewhere = before !== undefined && before !== where;
    const tries = attempt > 1 ? ` (attempt ${attempt})` : "";
    const connected = `connected${before === undefined ? "" : " again"}${isElsewhere ? ` to ${where}` : ""}`;
    const more = `${this.#standing.size} sessions stand${isElsewhere ? `, the new one with ${where},` : ""}`;
    const text = `${isFirst ? connected : more} after ${formatWait(over.missingMs)}${tries}`;
    return { level: over.isTold ? "info" : "debug", text };
  }

  /** The same forward and reason are told once in an outage. */
  waiting({ forward, reason }: EventNamed<"forward.waiting">): OutageLine {
    const reasons = this.#waiting.get(forward) ?? new Set();
    this.#waiting.set(forward, reasons);
    return { level: addNew(reasons, reason) ? "warn" : "debug", text: `${forward}: ${visible(reason)}` };
  }
}

/** From a loss until the session is back; and which of its tries are worth a line. */
class Outage {
  readonly #now: () => number;
  readonly #forgotten: () => void;
  /** When the last session of this kind began to stand. */
  #stoodMs: number | undefined;
  /** Since when a session is missing. */
  #missingSinceMs: number | undefined;
  /** True when a try of this loss was told. The return of the session is then told too. */
  #isTold = false;
  #tries = 0;
  #toldAtMs = Number.NEGATIVE_INFINITY;
  #longestWait = Number.NEGATIVE_INFINITY;
  readonly #reasons = new Set<string>();

  constructor(now: () => number, forgotten: () => void) {
    this.#now = now;
    this.#forgotten = forgotten;
  }

  /** Begins an outage, or goes on with one. Returns for how long a session is missing. */
  begin(): number {
    const now = this.#now();
    if (this.#missingSinceMs === undefined) {
      this.#missingSinceMs = now;
      if (this.#stoodMs === undefined || now - this.#stoodMs >= calmMs) this.#forget();
    }
    return now - this.#missingSinceMs;
  }

  /** Another one is missing: the time counts from now. */
  beginAnew(): void {
    this.begin();
    this.#missingSinceMs = this.#now();
  }

  tries({ reason, inMs }: EventNamed<"reconnect">): { readonly isTold: boolean; readonly missingMs: number } {
    const missingMs = this.begin();
    this.#tries++;
    // Each of these has an effect, so all are asked.
    const isWorthTelling = [
      this.#tries <= firstTries,
      this.#isLongAgo(),
      this.#isLonger(inMs),
      addNew(this.#reasons, reason),
    ];
    const isTold = isWorthTelling.includes(true);
    if (isTold) {
      this.#isTold = true;
      this.#toldAtMs = this.#now();
    }
    return { isTold, missingMs };
  }

  /** Undefined when none was missing. */
  stands(isOver: boolean): { readonly isTold: boolean; readonly missingMs: number } | undefined {
    const sinceMs = this.#missingSinceMs;
    const now = this.#now();
    this.#stoodMs = now;
    if (sinceMs === undefined) return undefined;
    const isTold = this.#isTold;
    if (isOver) {
      this.#missingSinceMs = undefined;
      this.#isTold = false;
    }
    return { isTold, missingMs: now - sinceMs };
  }

  #forget(): void {
    this.#tries = 0;
    this.#toldAtMs = Number.NEGATIVE_INFINITY;
    this.#longestWait = Number.NEGATIVE_INFINITY;
    this.#reasons.clear();
    this.#forgotten();
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
}

/** Why a session is missing, how many `others` stand, and when one is tried again. */
export function tryingAgain({ reason, inMs }: EventNamed<"reconnect">, others: number): string {
  const rest = others === 1 ? "; 1 other session goes on" : `; ${others} other sessions go on`;
  const when = inMs < 1 ? "at once" : `in ${formatWait(inMs)}`;
  return `${visible(reason)}${others === 0 ? "" : rest}; trying again ${when}`;
}

/** Two reasons that differ in a number only are one: the number may be a port or a time. */
function addNew(reasons: Set<string>, reason: string): boolean {
  const kind = reason.replace(/\d+/g, "0");
  if (reasons.has(kind) || reasons.size >= mostReasons) return false;
  reasons.add(kind);
  return true;
}
