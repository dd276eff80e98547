/**
 * The results of `porthop check`: one step with its outcome, and the time limit that each step has. A failed step is a
 * result and does not end the check. Only a stop, or a defect of porthop, ends a check.
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

/** The kind of the step, and the host or forward that is tried. */
export interface StepPlace {
  readonly step: StepName;
  /** The number of the jump host, from 1. Left out in the steps of the destination. */
  readonly hop?: number;
  readonly forward?: string;
  readonly leg: LegNumber;
}

export interface CheckStep extends StepPlace {
  readonly outcome: "ok" | "no" | "skip";
  /**
   * What was found, what failed, or why the step was not tried. May contain text from outside that is not safe to show.
   */
  readonly message: string;
  /** The error of a step that failed. */
  readonly error?: PorthopError;
  /** The duration in ms; undefined when the step was not tried. */
  readonly ms?: number;
}

export function skipped(place: StepPlace, why: string): CheckStep {
  return { ...place, outcome: "skip", message: why };
}

export function failed(place: StepPlace, error: PorthopError, ms: number): CheckStep {
  const { message, leg = place.leg } = error;
  return { ...place, leg, outcome: "no", message, error, ms };
}

/**
 * Runs `work`, which resolves with what was found. The step takes as long as `work` runs, unless `work` gives another
 * time. Rejects when `signal` fires, and for an error that is no PorthopError.
 */
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

/**
 * Runs `work` for at most `ms`. Rejects with the error of `late` after that time, or with the reason of `signal`. A
 * value that comes later goes to `tooLate`.
 */
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
