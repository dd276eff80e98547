/**
 * The connection of a client that sent a plain HTTP request. The target reads the request that was written anew and
 * nothing of the next one, which may be for another host. The client reads the target's answer, and that it is the last.
 */
import { HttpAnswer } from "../codec/proxy/http-answer.ts";
import { RequestBody } from "../codec/proxy/http-request-body.ts";
import type { PlainRequest } from "../codec/proxy/proxy-handshake.ts";
import { PorthopError } from "../errors.ts";
import type { Conn, LegTeller } from "../flow/conn.ts";
import type { Chunk } from "../plugin.ts";
import { messageOf } from "../text/error-message.ts";

export class PlainHttpConn implements Conn {
  readonly #conn: Conn;
  readonly #plain: PlainRequest;
  readonly #leg: LegTeller | undefined;
  readonly #body: RequestBody;
  readonly #answer: HttpAnswer;
  readonly #decided = Promise.withResolvers<void>();
  #isHeadRead = false;
  /** Bytes of the client that were read together with the head. */
  #early: Chunk | undefined;
  /** What came after the request, while it is open whether the target changes to another protocol. */
  #behind: Chunk | undefined;

  /** `leg` is told of the bytes as the client sends and gets them. */
  constructor(conn: Conn, plain: PlainRequest, early: Chunk, leg: LegTeller | undefined) {
    this.#conn = conn;
    this.#plain = plain;
    this.#early = early.length === 0 ? undefined : early;
    this.#leg = leg;
    this.#body = new RequestBody(plain.body);
    this.#answer = new HttpAnswer(plain.upgrades);
  }

  async read(): Promise<Chunk | undefined> {
    if (!this.#isHeadRead) {
      this.#isHeadRead = true;
      return this.#plain.head;
    }
    for (;;) {
      const behind = this.#behind === undefined ? undefined : await this.#behindUpgrade(this.#behind);
      if (behind !== undefined) return behind;
      const chunk = this.#early ?? (await this.#conn.read());
      this.#early = undefined;
      if (chunk === undefined) return undefined;
      this.#leg?.bytes("up", chunk);
      if (this.#answer.isUpgraded) return chunk;
      const length = this.#lengthOf(chunk);
      // Without an upgrade the rest is dropped. The client sends it again on another connection: no answer to it came.
      if (this.#plain.upgrades && length < chunk.length) this.#behind = chunk.subarray(length);
      if (length > 0) return chunk.subarray(0, length);
    }
  }

  write(chunk: Chunk): Promise<void> {
    const bytes = this.#answer.take(chunk);
    if (this.#answer.isDecided) this.#decided.resolve();
    return this.#send(bytes);
  }

  async end(): Promise<void> {
    const rest = this.#answer.end();
    this.#decided.resolve();
    await this.#send(rest);
    await this.#conn.end();
  }

  close(left: () => void): void {
    this.#decided.resolve();
    this.#conn.close(left);
  }

  abort(reason: PorthopError): void {
    this.#decided.resolve();
    this.#conn.abort(reason);
  }

  joined(): void {
    this.#conn.joined?.();
  }

  onBroken(told: (reason: PorthopError) => void): void {
    this.#conn.onBroken(told);
  }

  get isGone(): boolean {
    return this.#conn.isGone;
  }

  onGone(told: () => void): void {
    this.#conn.onGone(told);
  }

  #send(bytes: Chunk): Promise<void> {
    if (bytes.length === 0) return Promise.resolve();
    if (!this.#conn.isGone) this.#leg?.bytes("down", bytes);
    return this.#conn.write(bytes);
  }

  /** Bytes for the new protocol that the client sent before it knew whether there will be one. */
  async #behindUpgrade(behind: Chunk): Promise<Chunk | undefined> {
    await this.#decided.promise;
    this.#behind = undefined;
    return this.#answer.isUpgraded ? behind : undefined;
  }

  #lengthOf(chunk: Chunk): number {
    try {
      return this.#body.take(chunk);
    } catch (error) {
      throw new PorthopError("target.prohibited", messageOf(error), { leg: 1, by: "origin" });
    }
  }
}
