/**
 * The time that a server has for a handshake. It runs only while the server has the word: a person may think about a host
 * key for as long as they like.
 */
export class HandshakeTimer {
  readonly #ms: number;
  readonly #expire: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isOver = false;

  /** It runs from here on. */
  constructor(ms: number, expired: (ms: number) => void) {
    this.#ms = ms;
    this.#expire = () => expired(ms);
    this.resume();
  }

  /** An answer to a question may come after all is over. */
  resume(): void {
    if (!this.#isOver) this.#timer = setTimeout(this.#expire, this.#ms);
  }

  pause(): void {
    clearTimeout(this.#timer);
  }

  stop(): void {
    this.#isOver = true;
    this.pause();
  }
}
