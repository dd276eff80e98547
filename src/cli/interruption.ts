/**
 * SIGINT, SIGTERM and SIGHUP: the first signal asks for an orderly stop, the second ends porthop at once. The exit code
 * comes from the first signal: 130 for SIGINT (Ctrl-C), 0 for the others. A signal that was ignored when
 * porthop started stays ignored.
 */
import { PorthopError } from "../errors.ts";
import { type EndingSignal, ignoredAtStart } from "../io/ignored-signals.ts";

/** After the second signal files get this time to be closed. There is a limit because a plugin may wait for ever. */
const hurryMs = 500;

const codes = { SIGINT: 130, SIGTERM: 0, SIGHUP: 0 } as const;
type Signal = keyof typeof codes;
const signals = Object.keys(codes) as readonly Signal[];

/** Calls `told` at each of these signals, except those that were ignored when porthop was started. */
export function onSignals(told: (signal: Signal) => void): void {
  for (const signal of signals) if (!ignoredAtStart.has(signal)) process.on(signal, () => told(signal));
}

/**
 * Deno 2.9 catches all signals once there is a listener for one, and then ends the program at a signal that was
 * ignored. A listener that does nothing prevents this.
 */
export function keepIgnored(): void {
  if (!("deno" in process.versions)) return;
  for (const signal of ignoredAtStart) process.on(signal, () => {});
}

export class Interruption {
  /** Fires at the first signal: what is being set up stops. */
  readonly stop: AbortSignal;
  /** Fires at the second signal: nothing is waited for any more. */
  readonly hurry: AbortSignal;
  /** Resolves with the exit code at the first signal. */
  readonly requested: Promise<number>;
  #end: ReturnType<typeof setTimeout> | undefined;
  readonly #handlers: { readonly signal: Signal; readonly handler: () => void }[] = [];

  constructor(ignored: ReadonlySet<EndingSignal> = ignoredAtStart) {
    const stop = new AbortController();
    const hurry = new AbortController();
    this.stop = stop.signal;
    this.hurry = hurry.signal;
    this.requested = new Promise((resolve) => {
      for (const signal of signals) {
        if (ignored.has(signal)) continue;
        const handler = () => {
          if (stop.signal.aborted && !hurry.signal.aborted) {
            hurry.abort();
            this.#end = setTimeout(() => void this.requested.then((code) => process.exit(code)), hurryMs);
            this.#end.unref();
          }
          stop.abort(new PorthopError("cancelled", `stopped by ${signal}`));
          resolve(codes[signal]);
        };
        process.on(signal, handler);
        this.#handlers.push({ signal, handler });
      }
    });
  }

  /**
   * Resolves or rejects as `work` does, but rejects at the first signal, because `work` may wait for
   * something that cannot be stopped.
   */
  orStop<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const onAbort = () => reject(this.stop.reason);
      if (this.stop.aborted) onAbort();
      this.stop.addEventListener("abort", onAbort, { once: true });
      void work.then(resolve, reject).finally(() => this.stop.removeEventListener("abort", onAbort));
    });
  }

  /** Gives the signals back to the system. */
  release(): void {
    clearTimeout(this.#end);
    for (const { signal, handler } of this.#handlers) process.removeListener(signal, handler);
  }
}
