/**
 * What follows when a session was lost or could not be made: another attempt after some time, or the end. A pure table
 * of rules, without clock and timer. The waits double from 0.2 s to 30 s; what a server counts against us waits longer.
 */
import { type ErrorCode, PorthopError } from "../../errors.ts";
import type { LoginNeeds } from "../../ssh/login/auth-record.ts";

export type Reconnect = "never" | "auto" | "always";

export type Verdict =
  | {
      readonly next: "retry";
      readonly inMs: number;
      /** True when a new connection, or a change of the network, may cut the wait short. */
      readonly mayHurry: boolean;
    }
  | { readonly next: "end"; readonly reason: PorthopError };

export interface Loss {
  readonly reason: PorthopError;
  /** How long the session stood. */
  readonly stoodMs: number;
  /** What the logins that have to be repeated will need. */
  readonly needs: LoginNeeds;
  /** True while another session of the tunnel stands. */
  readonly othersStand: boolean;
}

export interface Failure {
  readonly error: PorthopError;
  /** The host that refused us has let us in before, in this run. */
  readonly wasLetIn: boolean;
  /** The same, as far as it is known. */
  readonly needs: LoginNeeds;
}

export interface RetryOptions {
  readonly reconnect: Reconnect;
  /** False when nobody can be asked later on, as behind -f. Left out for true. */
  readonly canAskLater?: boolean | undefined;
  /** At least 0 and less than 1. */
  readonly random?: () => number;
}

const firstMs = 200;
const longestMs = 30_000;
/** OpenSSH 9.8 and later refuse an address that was dropped too often for a while (PerSourcePenalties). */
const droppedMs = 15_000;
const refusedMs = 60_000;
/** How often a login is tried that worked before and is refused now: a server that starts may not know its users yet. */
const mostRefusals = 10;
/** A security key is not touched more often than this: nobody can tell which touch is for what. */
const touchMs = 60_000;

export class RetryPolicy {
  readonly #options: RetryOptions;
  /** How often the wait has doubled. */
  #doublings = 0;
  #lastMs = 0;
  #drops = 0;
  #refusals = 0;
  #hasStood = false;

  constructor(options: RetryOptions) {
    this.#options = options;
  }

  stood(): void {
    this.#hasStood = true;
    this.#drops = 0;
    this.#refusals = 0;
  }

  lost({ reason, stoodMs, needs, othersStand }: Loss): Verdict {
    const { reconnect, canAskLater = true } = this.#options;
    if (reconnect === "never") return { next: "end", reason };
    if (needs !== "nobody" && othersStand) return { next: "end", reason: unasked(reason) };
    if (needs === "person" && !canAskLater) return { next: "end", reason: unrepeatable(reason) };
    // A session that ends sooner than we waited for it is no success: a server that drops everybody is not stormed.
    if (stoodMs >= this.#lastMs) this.#doublings = 0;
    const inMs = this.#backOff();
    const touchInMs = needs === "touch" ? Math.ceil(touchMs - stoodMs) : 0;
    if (touchInMs > inMs) return { next: "retry", inMs: touchInMs, mayHurry: false };
    return { next: "retry", inMs, mayHurry: true };
  }

  failed({ error, wasLetIn, needs }: Failure): Verdict {
    const { reconnect } = this.#options;
    const isFirst = !this.#hasStood;
    if (reconnect === "never" || (isFirst && reconnect !== "always")) return { next: "end", reason: error };
    if (error.code === "ssh.auth-failed") return this.#refused(error, wasLetIn);
    if (!passing.has(error.code)) return { next: "end", reason: error };
    const inMs = this.#backOff();
    const isDropped = error.code === "ssh.lost" || error.code === "ssh.protocol";
    this.#drops = isDropped ? this.#drops + 1 : 0;
    const leastMs = Math.max(this.#drops > 1 ? droppedMs : 0, isDropped && needs === "touch" ? touchMs : 0);
    return { next: "retry", inMs: Math.max(inMs, leastMs), mayHurry: leastMs === 0 };
  }

  #refused(error: PorthopError, wasLetIn: boolean): Verdict {
    this.#drops = 0;
    this.#refusals += 1;
    if (!wasLetIn || this.#refusals > mostRefusals) return { next: "end", reason: error };
    return { next: "retry", inMs: refusedMs, mayHurry: false };
  }

  #backOff(): number {
    const { random = Math.random } = this.#options;
    const fullMs = Math.min(longestMs, firstMs * 2 ** this.#doublings);
    this.#doublings += 1;
    // Many clients that lost one server at the same time must not come back at the same time.
    this.#lastMs = Math.round(fullMs * (0.75 + random() / 4));
    return this.#lastMs;
  }
}

/**
 * The same verdict where somebody has asked for a session while the attempt was under way. `leastMs` is when the next
 * one may begin.
 */
export function cutShort(verdict: Verdict, leastMs: number): Verdict {
  if (verdict.next === "end" || !verdict.mayHurry) return verdict;
  return { ...verdict, inMs: Math.min(verdict.inMs, Math.max(0, Math.ceil(leastMs))) };
}

/** The failures that may pass by themselves. */
const passing: ReadonlySet<ErrorCode> = new Set(["host.not-found", "ssh.unreachable", "ssh.lost", "ssh.protocol"]);

function unrepeatable(reason: PorthopError): PorthopError {
  const text = `${reason.message}; the login was typed, and nobody is there to type it again`;
  return new PorthopError("ssh.lost", text, { leg: 2, hint: typedHint, cause: reason });
}

function unasked(reason: PorthopError): PorthopError {
  const text = `${reason.message}; its login cannot be repeated without asking`;
  return new PorthopError("ssh.lost", text, { leg: 2, hint: typedHint, cause: reason });
}

export const typedHint = "a key (ssh-keygen, ssh-copy-id) or an agent lets porthop log in again by itself";
