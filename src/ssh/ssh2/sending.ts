/**
 * What goes out: nothing after the end, answers counted, and messages of our own. At the end of the connection ssh2 lets go
 * of its compression, and only at the close, which may come much later, of its channels: what these have to say in between
 * goes nowhere, and with compression it would throw.
 */
import { answerKinds, lateKinds, type ProtocolView, type SendKind } from "./view.ts";

/** Calls `send` once: what the stream is given meanwhile is the answer. */
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
        // It destructs itself once (Protocol.js, cleanup).
        if (protocol._destruct === undefined) return;
        if (isAnswer) this.#answering(() => send.apply(protocol, words));
        else send.apply(protocol, words);
      };
    }
  }

  /** Whatever is sent because the server sent something passes through this. */
  onAnswer(answering: Answering): void {
    this.#answering = answering;
  }

  /** A key exchange is under way and holds back what is to be sent. */
  get isHolding(): boolean {
    return this.#protocol._queue !== undefined;
  }

  /** SSH_MSG_IGNORE (RFC 4253, section 11.2). Not while keys are exchanged: then much goes both ways; nor after the end. */
  ignore(): void {
    if (this.#protocol._kexinit !== undefined || this.#protocol._destruct === undefined) return;
    sendPayload(this.#protocol, ignoreMessage);
  }
}

/** As ssh2 sends its own messages (lib/protocol/utils.js, sendPacket): a key exchange that is under way holds it back. */
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

/** Its number, and a string without content. */
const ignoreMessage = Uint8Array.of(2, 0, 0, 0, 0);
