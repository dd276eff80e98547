/**
 * Cuts one direction of an SSH connection at its packet borders, so that a capture can put each packet into a segment
 * of its own: Wireshark 4.0 to 4.4 lose the stream otherwise. All bytes are passed on, by reference. When the borders
 * are not readable, chunks are passed on as they came. At most one packet is held back.
 */
import { SliceQueue } from "./slice-queue.ts";
import type { SshNegotiation } from "./ssh-negotiation.ts";
import type { TcpDirection } from "./tcp-conversation.ts";

/** One SSH packet, or one banner line, in pieces. */
export type SshPacket = readonly Uint8Array[];

/** No cutter ever holds back more than this: a packet of 256 KiB (OpenSSH's PACKET_MAX_SIZE), its length and its tag. */
export const mostPendingBytes = 4 + 256 * 1024 + 64;

export class SshPacketCutter {
  readonly #direction: TcpDirection;
  readonly #negotiation: SshNegotiation;
  /** The beginning of a unit (a line or a packet) that is not complete yet. */
  readonly #pending = new SliceQueue();
  /** The first bytes of that unit: its length, its padding length and its message number. */
  readonly #head = new Uint8Array(6);
  #phase: Phase = "banner";
  /** The size of the tag that follows the counted bytes of an encrypted packet. */
  #tagBytes = 0;
  #lines = 0;

  /** `direction` is `up` from client to server. Both directions share one negotiation. */
  constructor(direction: TcpDirection, negotiation: SshNegotiation) {
    this.#direction = direction;
    this.#negotiation = negotiation;
  }

  /** Bytes held back until their packet is complete. */
  get pendingBytes(): number {
    return this.#pending.bytes;
  }

  /**
   * The packets that this chunk completes. Never throws: bytes that are not SSH make this direction opaque for good.
   */
  push(chunk: Uint8Array): SshPacket[] {
    const packets: SshPacket[] = [];
    let at = 0;
    while (at < chunk.length) {
      const cut = this.#cut(chunk, at);
      if (cut === "junk") {
        this.#phase = "opaque";
        packets.push(...this.#takePending());
        continue;
      }
      // A view costs more than all the rest here, and a chunk is often one packet.
      const isWhole = cut.bytes === chunk.length;
      this.#pending.append(isWhole ? chunk : chunk.subarray(at, at + cut.bytes), cut.unitBytes);
      at += cut.bytes;
      if (cut.isLast) packets.push(this.#complete());
    }
    return packets;
  }

  /** The rest at the end of the stream: nothing, or one incomplete packet. */
  flush(): SshPacket[] {
    this.#phase = "opaque";
    return this.#takePending();
  }

  /**
   * How many bytes of the chunk from `at` on (at least one) belong to the pending unit, and whether these bytes complete
   * the unit.
   */
  #cut(chunk: Uint8Array, at: number): Cut | "junk" {
    const restBytes = chunk.length - at;
    if (this.#phase === "opaque") return { bytes: restBytes, unitBytes: restBytes, isLast: true };
    const headBytes = this.#fillHead(chunk, at);
    return this.#phase === "banner" ? this.#cutLine(chunk.subarray(at)) : this.#cutPacket(restBytes, headBytes);
  }

  /**
   * RFC 4253, section 4.2: a line ends with LF, and a server
   * may send other lines before the line that begins with SSH-.
   */
  #cutLine(rest: Uint8Array): Cut | "junk" {
    const lineFeed = rest.subarray(0, longestLineBytes).indexOf(0x0a);
    const bytes = lineFeed === -1 ? rest.length : lineFeed + 1;
    if (this.#pending.bytes + bytes > longestLineBytes || this.#lines >= mostLines) return "junk";
    return { bytes, unitBytes: longestLineBytes, isLast: lineFeed !== -1 };
  }

  #cutPacket(restBytes: number, headBytes: number): Cut | "junk" {
    if (headBytes < 4) return { bytes: restBytes, unitBytes: mostPendingBytes, isLast: false };
    const head = this.#head;
    const counted = (((head[0] ?? 0) << 24) | ((head[1] ?? 0) << 16) | ((head[2] ?? 0) << 8) | (head[3] ?? 0)) >>> 0;
    if (counted < fewestCountedBytes || counted > mostCountedBytes) return "junk";
    const unitBytes = 4 + counted + this.#tagBytes;
    const missing = unitBytes - this.#pending.bytes;
    return { bytes: Math.min(missing, restBytes), unitBytes, isLast: missing <= restBytes };
  }

  /** Copies the unit's first bytes to #head, because they may come in several chunks. Returns how many are known. */
  #fillHead(chunk: Uint8Array, from: number): number {
    let known = Math.min(this.#pending.bytes, this.#head.length);
    for (let at = from; at < chunk.length && known < this.#head.length; at += 1) {
      this.#head[known] = chunk[at] ?? 0;
      known += 1;
    }
    return known;
  }

  #complete(): SshPacket {
    const packet = this.#pending.take();
    if (this.#phase === "banner") this.#readLine();
    else if (this.#phase === "clear") this.#readClear(packet);
    return packet;
  }

  #readLine(): void {
    this.#lines += 1;
    if (startsWithSsh(this.#head)) this.#phase = "clear";
  }

  #readClear(packet: SshPacket): void {
    const message = this.#head[5];
    if (message === messageKexInit) {
      this.#negotiation.offer(this.#direction, joined(packet).subarray(5));
    } else if (message === messageNewKeys) {
      // The framing does not change after this: a rekey's NEWKEYS is encrypted like any other packet.
      const tagBytes = this.#negotiation.tagBytes(this.#direction);
      this.#phase = tagBytes === undefined ? "opaque" : "encrypted";
      this.#tagBytes = tagBytes ?? 0;
    }
  }

  #takePending(): SshPacket[] {
    return this.#pending.bytes === 0 ? [] : [this.#pending.take()];
  }
}

type Phase = "banner" | "clear" | "encrypted" | "opaque";

interface Cut {
  readonly bytes: number;
  /** The length of the whole unit, or the most that it can be. */
  readonly unitBytes: number;
  readonly isLast: boolean;
}

/** RFC 4253 allows 255 bytes; OpenSSH reads up to 1024 lines of up to 8192 bytes before the banner (kex.c). */
const longestLineBytes = 8192;
const mostLines = 1024;

/** A padding length and at least four bytes of padding. */
const fewestCountedBytes = 5;
const mostCountedBytes = 256 * 1024;

const messageKexInit = 20;
const messageNewKeys = 21;

function startsWithSsh(head: Uint8Array): boolean {
  return head[0] === 0x53 && head[1] === 0x53 && head[2] === 0x48 && head[3] === 0x2d;
}

/** Copies the packet into one array: only a KEXINIT needs that, once for each direction. */
function joined(packet: SshPacket): Uint8Array {
  const [first, ...others] = packet;
  return first !== undefined && others.length === 0 ? first : Uint8Array.from(packet.flatMap((slice) => [...slice]));
}
