/**
 * The host key at each key exchange of a session. Only the first may be answered later: an answer that comes while data is
 * being sent corrupts the stream, so a rekey is answered at once by comparing with the key that was accepted.
 */
import type { PorthopError } from "../../errors.ts";

/** Runs while the server has the word. */
interface Timer {
  pause(): void;
  resume(): void;
}

export class HostKeyCheck {
  readonly #verify: (blob: Buffer) => Promise<void>;
  readonly #timer: Timer;
  readonly #broken: (error: unknown) => void;
  #accepted: Buffer | undefined;
  #refusal: PorthopError | undefined;

  /** `broken` hears what ssh2 throws at a late answer. */
  constructor(trust: { verify(blob: Buffer): Promise<void> }, timer: Timer, broken: (error: unknown) => void) {
    this.#verify = (blob) => trust.verify(blob);
    this.#timer = timer;
    this.#broken = broken;
  }

  get accepted(): Buffer | undefined {
    return this.#accepted;
  }

  /** Why it was not accepted. */
  get refusal(): PorthopError | undefined {
    return this.#refusal;
  }

  /** ssh2's hostVerifier: undefined is an answer that comes later. */
  verify(key: Buffer, answer: (valid: boolean) => void): boolean | undefined {
    if (this.#accepted !== undefined) return key.equals(this.#accepted);
    this.#timer.pause();
    this.#verify(key)
      .then(
        () => {
          this.#accepted = Buffer.from(key);
          this.#timer.resume();
          answer(true);
        },
        (error: PorthopError) => {
          this.#refusal = error;
          answer(false);
        },
      )
      // The key exchange goes on inside of `answer`, with whatever the server has sent for it.
      .catch(this.#broken);
    return undefined;
  }
}
