/**
 * The capture file while it is written: its interfaces, its packets in strict order of time, the count of lost frames,
 * and its end. A recording never stops a flow: frames that the disk cannot take are dropped and counted, and a full
 * disk ends only the recording.
 */
import type {
  CaptureFormat,
  CaptureInterface,
  CaptureName,
  InterfaceStatistics,
} from "../../src/codec/capture/capture-file.ts";
import type { SentFrame } from "../../src/codec/capture/tcp-conversation.ts";
import type { BlockWriter } from "./block-writer.ts";

interface Counts {
  received: number;
  dropped: number;
}

export class Recording {
  readonly #writer: BlockWriter;
  readonly #format: CaptureFormat;
  readonly #startNs: bigint;
  readonly #counts: readonly Counts[];
  #lastNs: bigint;
  #dropTold = false;
  readonly #dropped: () => void;

  /** `dropped` is called once, when the first frame is lost. */
  constructor(
    writer: BlockWriter,
    format: CaptureFormat,
    interfaces: readonly CaptureInterface[],
    startNs: bigint,
    dropped: () => void,
  ) {
    this.#writer = writer;
    this.#format = format;
    this.#startNs = startNs;
    this.#lastNs = startNs;
    this.#counts = interfaces.map(() => ({ received: 0, dropped: 0 }));
    this.#dropped = dropped;
    writer.add(format.header(interfaces, []));
  }

  /** True while payload would be lost. Conversations then skip the bytes. */
  get full(): boolean {
    return this.#writer.full;
  }

  /** True when the file could not be written to its end. */
  get failed(): boolean {
    return this.#writer.failed;
  }

  get packets(): number {
    return this.#counts.reduce((sum, { received, dropped }) => sum + received - dropped, 0);
  }

  get lost(): number {
    return this.#counts.reduce((sum, { dropped }) => sum + dropped, 0);
  }

  relief(): Promise<void> | undefined {
    return this.#writer.relief();
  }

  packet(index: number, timestampNs: bigint, sent: SentFrame): void {
    const counts = this.#counts[index];
    if (counts === undefined) throw new Error(`the capture has no interface ${index}`);
    if (this.#writer.overfull) {
      this.countDropped(index, 1);
      return;
    }
    counts.received += 1;
    // One event makes several frames. Each frame gets a nanosecond of its own.
    this.#lastNs = timestampNs > this.#lastNs ? timestampNs : this.#lastNs + 1n;
    this.#format.packet(this.#writer, index, this.#lastNs, sent.frame, sent);
  }

  countDropped(index: number, frames: number): void {
    const counts = this.#counts[index];
    if (counts === undefined) return;
    counts.received += frames;
    counts.dropped += frames;
    if (!this.#dropTold) this.#dropped();
    this.#dropTold = true;
  }

  name(name: CaptureName): void {
    const block = this.#format.names([name]);
    if (block.byteLength > 0 && !this.#writer.overfull) this.#writer.add(block);
  }

  /** Writes the statistics and closes the file. */
  async finish(endNs: bigint): Promise<void> {
    const statistics = this.#counts.map(
      (counts): InterfaceStatistics => ({ ...counts, startNs: this.#startNs, endNs }),
    );
    const trailer = this.#format.trailer(statistics);
    if (trailer.byteLength > 0) this.#writer.add(trailer);
    await this.#writer.close();
  }
}
