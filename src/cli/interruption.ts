/**
 * SIGINT, SIGTERM and SIGHUP: the first asks for an orderly stop, the second ends at once.
 * The exit code follows from the first: 130 after Ctrl-C, 0 after the others (cli.md). One that was ignored stays so.
 */
import { PorthopError } from "../errors.ts";
import { type EndingSignal, ignoredAtStart } from "../io/ignored-signals.ts";

/** After the second signal: for files to be closed, and no longer. A plugin may wait for ever. */
const hurryMs = 500;

const codes = { SIGINT: 130, SIGTERM: 0, SIGHUP: 0 } as const;
type Signal = keyof typeof codes;
const signals = Object.keys(codes) as readonly Signal[];

/** Tells each of them, but for those that were ignored when porthop was started. */
export function onSignals(told: (signal: Signal) => void): void {
  for (const signal of signals) if (!ignoredAtStart.has(signal)) process.on(signal, () => told(signal));
}

/** Deno 2.9 takes all of them with the first listener of any signal, and then ends the program itself: a listener hinders it. */
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

  /** `work`, given up at the first signal: what is being set up may wait for something that cannot be told to stop. */
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
