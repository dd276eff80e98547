/**
 * The scripts of the clients in an unkind load, made from the seed: which clients stay to the end and must get
 * everything, and which leave, reset, pause, half-close or stay silent. One seed always gives the same scripts.
 */
import { Dice } from "./dice.ts";
import type { Errand } from "./errands.ts";

export type Manner =
  /** From here on: manners that stay, and must get every byte and a clean end. */
  | "reads"
  /** Stops reading in the middle, until other clients have come and gone or some time has passed. */
  | "pauses"
  | "half-closes"
  | "uploads"
  | "echoes"
  /** Sends nothing, half-closes, and waits for the end. */
  | "says-goodbye"
  /** From here on: manners that do not stay. */
  | "leaves"
  | "resets"
  | "uploads-and-leaves"
  | "uploads-and-resets"
  /** Uploads to a target that leaves in the middle. */
  | "is-left"
  | "touches"
  | "touches-and-resets"
  /** Sends nothing until other clients have come and gone, and leaves. */
  | "keeps-silent";

export interface Script {
  readonly manner: Manner;
  readonly errand: Errand;
  /** After how many bytes the client pauses, leaves or resets. */
  readonly after: number;
  /** A pause ends when this many other clients have ended ... */
  readonly others: number;
  /** ... or after this time, whichever comes first. */
  readonly atMostMs: number;
}

/** How often each manner occurs. */
export type Mix = Readonly<Partial<Record<Manner, number>>>;

export interface Sizes {
  /** The bytes of downloads that are read to the end, and of uploads and echoes. */
  readonly small: number;
  /**
   * The bytes of transfers that a client leaves or pauses in: more than a channel's window and the sockets on both
   * sides can hold.
   */
  readonly large: number;
}

export const everyManner: Mix = {
  reads: 4,
  pauses: 2,
  "half-closes": 3,
  uploads: 3,
  echoes: 3,
  "says-goodbye": 1,
  leaves: 8,
  resets: 4,
  "uploads-and-leaves": 2,
  "uploads-and-resets": 2,
  "is-left": 1,
  touches: 3,
  "touches-and-resets": 2,
  "keeps-silent": 1,
};

export const usualSizes: Sizes = { small: 300_000, large: 12_000_000 };

export function isKind(manner: Manner): boolean {
  return ["reads", "pauses", "half-closes", "uploads", "echoes", "says-goodbye"].includes(manner);
}

export function scriptsOf(seed: number, clients: number, mix = everyManner, sizes = usualSizes): Script[] {
  const dice = new Dice(seed);
  return Array.from({ length: clients }, () => {
    const manner = dice.oneOf<Manner>(mix);
    const kind = errandOf[manner];
    const bytes = ["pauses", "leaves", "resets"].includes(manner) ? sizes.large : dice.between(1, sizes.small);
    return {
      manner,
      errand: { kind, bytes, seed: dice.between(1, 1_000_000) },
      after: Math.max(0, dice.between(-mostReadBytes, Math.min(bytes - 1, mostReadBytes))),
      others: dice.between(5, 50),
      atMostMs: dice.between(100, 500),
    };
  });
}

/** A client that pauses in a download, or leaves it, has read at most this many bytes, so much is still to come. */
const mostReadBytes = 100_000;

const errandOf: Readonly<Record<Manner, Errand["kind"]>> = {
  reads: "download",
  pauses: "download",
  "half-closes": "download",
  uploads: "upload",
  echoes: "echo",
  "says-goodbye": "echo",
  leaves: "download",
  resets: "download",
  "uploads-and-leaves": "upload",
  "uploads-and-resets": "upload",
  "is-left": "leave",
  touches: "echo",
  "touches-and-resets": "echo",
  "keeps-silent": "echo",
};
