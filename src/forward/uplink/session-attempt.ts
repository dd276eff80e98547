/**
 * One attempt to make a session. While nobody has answered it, it can be given up: after a change of the network the
 * answer may never come. Once the server has greeted, the attempt goes on, for a person may be asked something by then.
 */
import { PorthopError } from "../../errors.ts";
import type { Bus, StopHearing } from "../../flow/bus.ts";
import type { Progress } from "../../flow/event.ts";

/** The last step, when what comes next is a connection or a greeting. Undefined stands for the beginning. */
const unanswered: ReadonlySet<Progress["done"] | undefined> = new Set([undefined, "name", "connection", "login"]);

export class SessionAttempt {
  readonly #stop = new AbortController();
  readonly #outer: AbortSignal;
  readonly #pass: () => void;
  readonly #stopHearing: StopHearing;
  #last: Progress["done"] | undefined;
  #steps = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isOver = false;

  constructor(signal: AbortSignal, bus: Pick<Bus, "on">) {
    this.#outer = signal;
    this.#pass = () => this.#stop.abort(signal.reason);
    if (signal.aborted) this.#pass();
    signal.addEventListener("abort", this.#pass, { once: true });
    this.#stopHearing = bus.on("progress", ({ step }) => {
      this.#last = step.done;
      this.#steps += 1;
    });
  }

  /** Fires with the outer signal, and when the attempt is given up. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** From now on each step that no person can hold up is to be done within this time. */
  doubt(withinMs: number): void {
    if (this.#isOver || this.#timer !== undefined || !unanswered.has(this.#last)) return;
    const steps = this.#steps;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#steps === steps) this.#stop.abort(silent(withinMs));
      else this.doubt(withinMs);
    }, withinMs);
  }

  /** Call this when the attempt has ended. */
  over(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#stopHearing();
    this.#outer.removeEventListener("abort", this.#pass);
  }
}

function silent(withinMs: number): PorthopError {
  const when = `within ${withinMs / 1000} s after a change of the network, or after a wish for a session`;
  const text = `gave up a try to connect: no server answered it ${when}`;
  return new PorthopError("ssh.unreachable", text, { leg: 2, hint: "the network or the server is gone" });
}
