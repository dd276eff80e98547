/**
 * What is said of connections that were refused because no session stood. After an outage many are refused at once, for
 * one reason: the first one is told as an error, and those that follow within a second share a line with their number.
 */
import type { PorthopError } from "../errors.ts";
import type { Telling } from "../flow/telling.ts";
import { after } from "../io/after.ts";

export class OutageRefusals {
  readonly #telling: Telling;
  readonly #shareMs: number;
  #isSharing = false;
  /** How many were refused since the last line, and why the last of them. */
  #count = 0;
  #because = "";

  constructor(telling: Telling, shareMs = 1000) {
    this.#telling = telling;
    this.#shareMs = shareMs;
  }

  tell(error: PorthopError, flow: string): void {
    if (this.#isSharing) {
      this.#count += 1;
      this.#because = error.message;
      return;
    }
    this.#telling.bus.publish({ event: "error", error, flow });
    this.#share();
  }

  /** Tells of those that no line has told of yet. */
  flush(): void {
    if (this.#count === 0) return;
    const connections = this.#count === 1 ? "1 more connection was" : `${this.#count} more connections were`;
    this.#telling.loggerFor().warn(`${connections} refused: ${this.#because}`);
    this.#count = 0;
  }

  #share(): void {
    this.#isSharing = true;
    void after(this.#shareMs).then(() => {
      this.#isSharing = false;
      if (this.#count === 0) return;
      this.flush();
      this.#share();
    });
  }
}
