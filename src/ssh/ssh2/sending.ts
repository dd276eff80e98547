/**
 * Outgoing messages: nothing is sent after the end, answers are counted, and messages of our own can be sent. When the
 * connection ends, ssh2 drops its compression at once, but its channels only at the close, which may come much later.
 * Messages of the channels in between are dropped here; with compression ssh2 would throw.
 */
import { answerKinds, lateKinds, type ProtocolView, type SendKind } from "./view.ts";

/** Calls `send` once. The bytes that the stream gets during the call are the answer. */
export type Answering = (send: () => void) => void;

export class Sending {
  readonly #protocol: ProtocolView;
  #answering: Answering = (send) => send();

  constructor(protocol: ProtocolView) {
    this.#protocol = protocol;
    const sends: Record<SendKind, (...words: never[]) => void> = protocol;
    for (const kind of new Set<SendKind>([...lateKinds, ...answerKinds])) {
      const send = sends[kind];
      const isAnswer = answers.has(kind);
      sends[kind] = (...words) => {
        // Undefined once the connection has ended (Protocol.js, cleanup).
        if (protocol._destruct === undefined) return;
        if (isAnswer) this.#answering(() => send.apply(protocol, words));
        else send.apply(protocol, words);
      };
    }
  }

  /** All that is sent in answer to the server passes through `answering`. */
  onAnswer(answering: Answering): void {
    this.#answering = answering;
  }

  /** True while a key exchange holds back outgoing messages. */
  get isHolding(): boolean {
    return this.#protocol._queue !== undefined;
  }

  /**
   * Sends SSH_MSG_IGNORE (RFC 4253, section 11.2). Not during a key exchange, when both sides send enough anyway, and
   * not after the end.
   */
  ignore(): void {
    if (this.#protocol._kexinit !== undefined || this.#protocol._destruct === undefined) return;
    sendPayload(this.#protocol, ignoreMessage);
  }
}

/**
 * Sends a payload as ssh2 sends its own messages (lib/protocol/utils.js, sendPacket). A key exchange that is under way
 * holds the payload back.
 */
export function sendPayload(protocol: ProtocolView, payload: Uint8Array): void {
  const { write } = protocol._packetRW;
  const packet = write.alloc(payload.length);
  packet.set(payload, write.allocStart);
  const final = write.finalize(packet);
  if (protocol._kexinit === undefined) {
    protocol._cipher.encrypt(final);
    return;
  }
  protocol._queue ??= [];
  protocol._queue.push(final);
}

const answers: ReadonlySet<string> = new Set(answerKinds);

/** The message's number, and an empty string. */
const ignoreMessage = Uint8Array.of(2, 0, 0, 0, 0);
