/**
 * Makes a capture file in memory from conversations that a test plays: three legs, a clock that advances one
 * microsecond for each packet, and true statistics.
 */
import type { CaptureFormat, CaptureName } from "../../src/codec/capture/capture-file.ts";
import { RecentSums } from "../../src/codec/capture/recent-sums.ts";
import { type SentFrame, TcpConversation, type TcpDirection } from "../../src/codec/capture/tcp-conversation.ts";
import { written } from "./block-paper.ts";

interface End {
  readonly host: string;
  readonly port: number;
}

const startNs = 1_700_000_000_000_000_001n;

const legs = ["leg1-app-listener", "leg2-ssh", "leg3-sshd-target"].map((name) => ({
  name,
  description: "made up by a test",
}));

export class CaptureMaker {
  readonly #format: CaptureFormat;
  readonly #pieces: Uint8Array[] = [];
  readonly #sums = new RecentSums();
  readonly #received = [0, 0, 0];
  #nowNs = startNs;
  #conversations = 0;

  constructor(format: CaptureFormat, names: readonly CaptureName[] = []) {
    this.#format = format;
    this.#pieces.push(format.header(legs, names));
  }

  /** Initial sequence numbers are scattered and all different, but every file gets the same ones. */
  conversation(leg: 1 | 2 | 3, from: End, to: End, sequences = this.#nextSequences()): MadeConversation {
    const tcp = new TcpConversation({ leg, from, to, sequences, sums: this.#sums });
    return new MadeConversation(tcp, (frames) => this.#write(leg - 1, frames));
  }

  /** Adds names that become known between two packets. */
  learn(names: readonly CaptureName[]): void {
    this.#pieces.push(this.#format.names(names));
  }

  /** The whole file, with its end. */
  file(): Uint8Array {
    const statistics = this.#received.map((received) => ({ startNs, endNs: this.#nowNs, received, dropped: 0 }));
    return Buffer.concat([...this.#pieces, this.#format.trailer(statistics)]);
  }

  #write(index: number, frames: readonly SentFrame[]): void {
    for (const sent of frames) {
      this.#nowNs += 1000n;
      this.#received[index] = (this.#received[index] ?? 0) + 1;
      this.#pieces.push(written((space) => this.#format.packet(space, index, this.#nowNs, sent.frame, sent)));
    }
  }

  #nextSequences(): Record<TcpDirection, number> {
    this.#conversations += 1;
    return {
      up: Math.imul(this.#conversations, 0x9e3779b1) >>> 0,
      down: Math.imul(this.#conversations, 0x85ebca77) >>> 0,
    };
  }
}

type Write = (frames: readonly SentFrame[]) => void;

/** A conversation that writes its frames into the file at once. */
class MadeConversation {
  readonly #tcp: TcpConversation;
  readonly #write: Write;

  constructor(tcp: TcpConversation, write: Write) {
    this.#tcp = tcp;
    this.#write = write;
  }

  open(comment?: string): void {
    this.#write(this.#tcp.open(comment));
  }

  refused(comment?: string, rstComment?: string): void {
    this.#write(this.#tcp.refused(comment, rstComment));
  }

  data(direction: TcpDirection, slices: readonly Uint8Array[]): void {
    this.#write(this.#tcp.data(direction, slices));
  }

  skip(direction: TcpDirection, bytes: number): void {
    this.#write(this.#tcp.skip(direction, bytes).frames);
  }

  end(direction: TcpDirection): void {
    this.#write(this.#tcp.end(direction));
  }
  abort(by: TcpDirection, comment?: string): void {
    this.#write(this.#tcp.abort(by, comment));
  }
}
