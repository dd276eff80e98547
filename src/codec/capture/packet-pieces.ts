/**
 * The pieces of one packet on their way into a capture file: cut to the snapshot length, and put between a head and a
 * tail. Payload stays by reference; only small pieces in front (made-up headers) are copied behind the head, because an
 * entry of writev costs more than copying them.
 */
import { lengthOf } from "./frame.ts";

/** The first `limit` bytes of the pieces. Returns `pieces` itself when nothing has to be cut. */
export function cutPieces(pieces: readonly Uint8Array[], limit: number): readonly Uint8Array[] {
  if (lengthOf(pieces) <= limit) return pieces;
  const kept: Uint8Array[] = [];
  let room = limit;
  for (const piece of pieces) {
    if (room === 0) break;
    const part = piece.subarray(0, room);
    kept.push(part);
    room -= part.length;
  }
  return kept;
}

export interface Wrapped {
  readonly pieces: readonly Uint8Array[];
  /** The caller fills the first `headBytes`. */
  readonly head: Uint8Array;
  /** The caller fills `tailBytes` from `tailAt` on. May be the array of the head too. */
  readonly tail: Uint8Array;
  readonly tailAt: number;
}

export function wrapPieces(headBytes: number, pieces: readonly Uint8Array[], tailBytes: number): Wrapped {
  let copied = 0;
  let copiedBytes = 0;
  for (const piece of pieces) {
    if (copiedBytes + piece.length > mostCopiedBytes) break;
    copied += 1;
    copiedBytes += piece.length;
  }
  const isWhole = copied === pieces.length;
  const head = new Uint8Array(headBytes + copiedBytes + (isWhole ? tailBytes : 0));
  let at = headBytes;
  for (let index = 0; index < copied; index += 1) {
    const piece = pieces[index] ?? nothing;
    head.set(piece, at);
    at += piece.length;
  }
  if (isWhole) return { pieces: [head], head, tail: head, tailAt: at };
  const payload = copied === 0 ? pieces : pieces.slice(copied);
  if (tailBytes === 0) return { pieces: [head, ...payload], head, tail: nothing, tailAt: 0 };
  const tail = new Uint8Array(tailBytes);
  return { pieces: [head, ...payload, tail], head, tail, tailAt: 0 };
}

/** Room for the largest made-up header (82 bytes) and a short interactive payload. */
const mostCopiedBytes = 192;

const nothing = new Uint8Array(0);
