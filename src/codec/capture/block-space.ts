/**
 * How packets come into the memory of a capture file: without an object or a copy between. Whoever writes a block first
 * reserves as many bytes as it will have, and then fills all of them, because the memory holds old bytes.
 */

export interface BlockSpace {
  /** The memory of the block that was reserved last. */
  readonly bytes: Uint8Array;
  /** Makes room for one block. Returns the place in `bytes` where the block begins. */
  reserve(blockBytes: number): number;
}

/** A packet that can write itself down. */
export interface WritablePacket {
  readonly bytes: number;
  /** Writes the first `kept` bytes of the packet, in place of what is there. */
  put(into: Uint8Array, at: number, kept: number): void;
}
