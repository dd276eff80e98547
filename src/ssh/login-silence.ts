/**
 * Notices a server that says nothing any more during the login, while it is the server's turn to speak. A person who is
 * asked something, or a security key that waits for its touch, may take as long as they like: then the turn is ours.
 */
import type { Duplex } from "node:stream";
import type { HeardOutgoing } from "./transport.ts";

export class LoginSilence {
  readonly #stream: Duplex;
  readonly #ms: number;
  readonly #expired: (ms: number) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isOver = false;

  /** `expired` hears the length of the limit. */
  constructor(stream: Duplex, outgoing: Pick<HeardOutgoing, "onGiven">, ms: number, expired: (ms: number) => void) {
    this.#stream = stream;
    this.#ms = ms;
    this.#expired = expired;
    // Before ssh2's own listener, which may answer at once.
    stream.prependListener("data", this.#heard);
    outgoing.onGiven(() => {
      if (!this.#isOver) this.#timer ??= setTimeout(() => this.#expired(this.#ms), this.#ms);
    });
  }

  readonly #heard = () => {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  };

  /** Call this when the login is over. */
  stop(): void {
    this.#isOver = true;
    this.#heard();
    this.#stream.removeListener("data", this.#heard);
  }
}
