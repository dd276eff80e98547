/**
 * Limits the time of a handshake. The timer runs only while porthop waits for the server: a person may think about a
 * host key for as long as they like.
 */
export class HandshakeTimer {
  readonly #ms: number;
  readonly #expire: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isOver = false;

  /** The timer starts at once. `expired` hears the length of the limit when the time is over. */
  constructor(ms: number, expired: (ms: number) => void) {
    this.#ms = ms;
    this.#expire = () => expired(ms);
    this.resume();
  }

  /** Does nothing after `stop`: a person's answer may come when the handshake is over. */
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
