/**
 * The terminal at which a person is asked: /dev/tty, whatever stdin, stdout and stderr are (readpass.c). A question is
 * one plain line. An answer that must not be seen leaves no mark. The terminal is read only while a question is open,
 * because its other keys belong to other readers.
 */
import { closeSync, constants, openSync, readSync, writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { isatty, ReadStream } from "node:tty";
import { PorthopError } from "../errors.ts";
import { errnoOf } from "../io/socket-failure.ts";
import { TypedLine, type TypedState } from "./typed-line.ts";

/** How long a key may wait. No runtime has a stream whose reading stops at once when nobody asks any more. */
const pollMs = 20;

export interface AnswerOptions {
  /** True for a secret. */
  readonly isHidden: boolean;
  /** Ends the question, which then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * A descriptor of the controlling terminal; undefined without one (a service, a CI job, setsid). It does not block, so
 * that a question can end without an answer.
 */
export function openTerminal(): number | undefined {
  try {
    return openSync("/dev/tty", constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return undefined;
  }
}

/** A terminal by its descriptor. It belongs to this object from now on. */
export class QuestionTerminal {
  readonly #descriptor: number;
  /** Changes the modes. Nothing is read from it. */
  #modes: ReadStream | undefined;
  #written: Promise<void> = Promise.resolve();
  /** Resolves when the last question is over. */
  #asked: Promise<void> = Promise.resolve();
  #isReleased = false;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  /** The terminal whose descriptor another process has handed on. */
  static handedOn(descriptor: number): QuestionTerminal | undefined {
    return isatty(descriptor) ? new QuestionTerminal(descriptor) : undefined;
  }

  /** Writes in the order of the calls. Waits where the terminal is stopped (Ctrl-S). */
  write(text: string): void {
    this.#written = this.#written.then(() => this.#writeAll(Buffer.from(text, "utf8")));
  }

  /**
   * Asks when no other question is open, and resolves with the line that was typed. Rejects with PorthopError `cancelled`
   * on Ctrl-C.
   */
  async line(question: string, options: AnswerOptions): Promise<string> {
    const before = this.#asked;
    const own = Promise.withResolvers<void>();
    this.#asked = own.promise;
    await before;
    try {
      return await this.#ask(question, options);
    } finally {
      own.resolve();
    }
  }

  /** Closes the terminal. Nobody can be asked after that. */
  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#modes?.destroy();
    // Only Bun's stream has closed the descriptor itself.
    if (this.#modes === undefined || !("bun" in process.versions)) closeSync(this.#descriptor);
  }

  async #ask(question: string, { isHidden, signal }: AnswerOptions): Promise<string> {
    await this.#written;
    signal?.throwIfAborted();
    if (this.#isReleased) throw new Error("the terminal was given back, and there is nobody to ask any more");
    const modes = this.#modesNow();
    const restore = () => void modes.setRawMode(false);
    process.on("exit", restore);
    try {
      modes.setRawMode(true);
      // What was typed before the question is no answer to it: as ssh does (TCSAFLUSH).
      for (let typed = this.#read(); typed !== undefined && typed.length > 0; typed = this.#read());
      if (!isHidden) restore();
      this.write(question);
      return await this.#answer(isHidden, signal);
    } finally {
      process.removeListener("exit", restore);
      restore();
    }
  }

  async #answer(isHidden: boolean, signal: AbortSignal | undefined): Promise<string> {
    const line = new TypedLine();
    let isShown = false;
    try {
      for (let state: TypedState = "open"; state !== "complete"; ) {
        signal?.throwIfAborted();
        const typed = this.#read();
        if (typed === undefined) await sleep(pollMs, undefined, { signal }).catch(() => signal?.throwIfAborted());
        // An end is Ctrl-D, which counts as Enter, as in ssh; in raw mode it is the end of the terminal.
        else if (typed.length === 0 && isHidden) throw new PorthopError("cancelled", "the terminal is gone");
        else state = typed.length === 0 ? "complete" : line.take(typed);
        if (state === "cancelled") throw new PorthopError("cancelled", "cancelled at a question");
        isShown = !isHidden && typed?.at(-1) === lineFeed;
      }
      return line.text;
    } finally {
      // Without an Enter that was shown, the next text would go on behind the question.
      if (!isShown) this.write("\n");
    }
  }

  /** Undefined when nothing was typed; empty at an end. */
  #read(): Uint8Array | undefined {
    const buffer = Buffer.alloc(4096);
    try {
      return buffer.subarray(0, readSync(this.#descriptor, buffer, 0, buffer.length, null));
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === "EAGAIN" || errno === "EINTR") return undefined;
      return buffer.subarray(0, 0);
    }
  }

  #modesNow(): ReadStream {
    if (this.#modes === undefined) {
      this.#modes = new ReadStream(this.#descriptor);
      this.#modes.on("error", () => {});
    }
    return this.#modes;
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    for (let rest = bytes; rest.length > 0 && !this.#isReleased; ) {
      try {
        rest = rest.subarray(writeSync(this.#descriptor, rest.subarray(0, mostWritten)));
      } catch (error) {
        // The terminal is gone, and its text with it.
        if (errnoOf(error) !== "EAGAIN") return;
        await sleep(pollMs);
      }
    }
  }
}

const lineFeed = 0x0a;

/** When a terminal takes only a part, Deno 2.9 throws and does not say how much. One byte has no parts. */
const mostWritten = "deno" in process.versions ? 1 : 65_536;
