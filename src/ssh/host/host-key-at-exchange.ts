/**
 * Checks the host key at each key exchange of a session. Only the first check may be answered later. At a rekey, a late
 * answer would corrupt the stream, because data is being sent meanwhile. So a rekey is answered at once: the key must
 * equal the accepted key.
 */
import type { PorthopError } from "../../errors.ts";

/** Runs while porthop waits for the server. */
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

  /** `broken` hears what ssh2 throws when a late answer is given. */
  constructor(trust: { verify(blob: Buffer): Promise<void> }, timer: Timer, broken: (error: unknown) => void) {
    this.#verify = (blob) => trust.verify(blob);
    this.#timer = timer;
    this.#broken = broken;
  }

  get accepted(): Buffer | undefined {
    return this.#accepted;
  }

  /** Why the key was not accepted. */
  get refusal(): PorthopError | undefined {
    return this.#refusal;
  }

  /** ssh2's hostVerifier. Returns undefined when the answer comes later, through `answer`. */
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
      // ssh2 continues the key exchange inside `answer`, with all that the server has sent meanwhile. An error there is
      // thrown here.
      .catch(this.#broken);
    return undefined;
  }
}
