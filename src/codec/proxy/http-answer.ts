/**
 * The head of a target's answer to a plain request. The client must not use its connection for another request, so an
 * answer that does not say so itself is given `Connection: close` (RFC 9112, section 9.6). All else passes as it came.
 */
import { endOfHead } from "./http-request.ts";

/** A longer head passes as it came. */
const maxAnswerHeadBytes = 64 * 1024;

export class HttpAnswer {
  readonly #mayUpgrade: boolean;
  #held: Buffer = Buffer.alloc(0);
  #looked = 0;
  #state: "head" | "final" | "upgraded" = "head";

  /** `mayUpgrade` is true when the target was asked whether it speaks another protocol. */
  constructor(mayUpgrade: boolean) {
    this.#mayUpgrade = mayUpgrade;
  }

  /** True when the head of the last answer has passed: the rest needs no look. */
  get isDecided(): boolean {
    return this.#state !== "head";
  }

  /** True when the target has changed to the other protocol: the bytes are no longer HTTP, in both directions. */
  get isUpgraded(): boolean {
    return this.#state === "upgraded";
  }

  /** The bytes for the client, of those that came. */
  take(chunk: Uint8Array): Uint8Array {
    if (this.isDecided) return chunk;
    this.#held = Buffer.concat([this.#held, chunk]);
    const passed: Uint8Array[] = [];
    while (!this.isDecided && this.#held.length > 0) {
      const head = this.#nextHead();
      if (head === undefined) break;
      passed.push(head);
    }
    return this.isDecided ? Buffer.concat([...passed, this.end()]) : Buffer.concat(passed);
  }

  /** What is still held when no more will come. */
  end(): Uint8Array {
    const rest = this.#held;
    this.#held = Buffer.alloc(0);
    if (!this.isDecided) this.#state = "final";
    return rest;
  }

  /** The next complete head as it goes on; undefined while it is not complete, or when this is no HTTP. */
  #nextHead(): Uint8Array | undefined {
    const begin = this.#held.subarray(0, protocol.length).toString("latin1");
    const isHttp = protocol.startsWith(begin);
    const end = isHttp ? endOfHead(this.#held, this.#looked) : undefined;
    if (end === undefined) {
      if (!isHttp || this.#held.length >= maxAnswerHeadBytes) this.#state = "final";
      // The last two bytes may be the beginning of the empty line.
      this.#looked = Math.max(this.#held.length - 2, 0);
      return undefined;
    }
    const head = this.#held.subarray(0, end);
    this.#held = this.#held.subarray(end);
    this.#looked = 0;
    const status = /^HTTP\/1\.\d (\d{3})\b/.exec(head.subarray(0, 16).toString("latin1"))?.[1];
    if (status === "101" && this.#mayUpgrade) this.#state = "upgraded";
    else if (status === undefined || !status.startsWith("1")) this.#state = "final";
    return this.#state === "final" ? withClose(head) : head;
  }
}

const protocol = "HTTP/1.";

/** The head, which says in any case that the connection ends after this answer. */
function withClose(head: Buffer): Uint8Array {
  const lines = head.toString("latin1").match(/[^\n]*\n(?:[ \t][^\n]*\n)*/g) ?? [];
  const values = lines.flatMap((line) => /^connection:(.*)/is.exec(line)?.[1]?.toLowerCase() ?? []);
  const options = values.flatMap((value) => value.split(",")).map((option) => option.trim());
  const persists = lines[0]?.startsWith("HTTP/1.0 ") ? options.includes("keep-alive") : !options.includes("close");
  if (!persists) return head;
  const kept = lines.filter((line) => !/^(?:connection|keep-alive|proxy-connection):/i.test(line));
  return Buffer.from(kept.toSpliced(-1, 0, "Connection: close\r\n").join(""), "latin1");
}
