/**
 * What `porthop check` tells: one step with its outcome, and the bound that each step has. A step that fails is a result
 * and no end; only being told to stop, or a defect of ours, ends a check.
 */
import { type LegNumber, PorthopError } from "../../errors.ts";

export type StepName =
  | "name"
  | "tcp"
  | "proxy-command"
  | "banner"
  | "host-key"
  | "login"
  | "listener"
  | "target"
  | "dial";

/** Which step it is. */
export interface StepPlace {
  readonly step: StepName;
  /** Of a jump host: 1 is the first of them. The destination's steps have none. */
  readonly hop?: number;
  readonly forward?: string;
  readonly leg: LegNumber;
}

export interface CheckStep extends StepPlace {
  readonly outcome: "ok" | "no" | "skip";
  /** What was found, what failed, or why it was not tried. May hold what others said: not safe to show. */
  readonly message: string;
  /** Of a step that failed. */
  readonly error?: PorthopError;
  /** How long it took; undefined when it was not tried. */
  readonly ms?: number;
}

export function skipped(place: StepPlace, why: string): CheckStep {
  return { ...place, outcome: "skip", message: why };
}

export function failed(place: StepPlace, error: PorthopError, ms: number): CheckStep {
  const { message, leg = place.leg } = error;
  return { ...place, leg, outcome: "no", message, error, ms };
}

/** Does `work`, which says what it found. Its time is the whole of it, unless it says better. */
export async function tried(
  place: StepPlace,
  work: () => Promise<{ readonly message: string; readonly ms?: number }>,
  signal: AbortSignal,
): Promise<CheckStep> {
  const since = performance.now();
  try {
    const { message, ms = performance.now() - since } = await work();
    return { ...place, outcome: "ok", message, ms: Math.round(ms) };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (!(error instanceof PorthopError)) throw error;
    return failed(place, error, Math.round(performance.now() - since));
  }
}

/** `work`, for at most so long; what it still brings later goes to `tooLate`. Rejects with `late`, or as `signal` says. */
export async function within<T>(
  ms: number,
  signal: AbortSignal,
  late: () => PorthopError,
  work: (signal: AbortSignal) => Promise<T>,
  tooLate: (value: T) => void,
): Promise<T> {
  if (signal.aborted) throw signal.reason;
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(late()), ms);
  const stop = () => limit.abort(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await new Promise<T>((resolve, reject) => {
      limit.signal.addEventListener("abort", () => reject(limit.signal.reason), { once: true });
      const take = (value: T) => (limit.signal.aborted ? tooLate(value) : resolve(value));
      work(limit.signal).then(take, reject);
    });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}
