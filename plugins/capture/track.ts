/**
 * The tracks of a capture, and the events on them as plain values. A track is one TCP connection. An event goes one
 * way: leg-watching makes the event, the timeline puts it in order, Conversations makes frames of it, and the Recording
 * writes the frames.
 */
import type { Direction, Flow, Leg, Wire } from "../../src/plugin.ts";
import type { Ends, TrackEnds } from "./ends.ts";
import type { CaptureLane } from "./interfaces.ts";

export interface Track {
  readonly interfaceIndex: number;
  /** The byte that marks the leg in the packets' MAC addresses. */
  readonly mark: number;
  /** Returns the addresses of the track. Call this once, at the first event of the track that leaves the timeline. */
  readonly ends: () => TrackEnds;
  /** True when the addresses are as good as they will get. Only the timeline sets this field later. */
  ready: boolean;
}

interface Happened {
  readonly track: Track;
  readonly timestampNs: bigint;
}

export interface DataEvent extends Happened {
  readonly kind: "data";
  readonly direction: Direction;
  /** The bytes, in pieces that follow each other. */
  readonly slices: readonly Uint8Array[];
  /** How many bytes all slices have together. */
  readonly bytes: number;
}

export type TrackEvent =
  | DataEvent
  | (Happened & { readonly kind: "opened" })
  | (Happened & { readonly kind: "refused"; readonly reason: string })
  | (Happened & { readonly kind: "ended"; readonly direction: Direction })
  | (Happened & { readonly kind: "aborted"; readonly by: Direction; readonly reason: string });

export class Tracks {
  readonly #lanes: readonly CaptureLane[];
  readonly #ends: Ends;

  constructor(lanes: readonly CaptureLane[], ends: Ends) {
    this.#lanes = lanes;
    this.#ends = ends;
  }

  /**
   * Returns undefined for a leg that is not captured. The addresses of leg 1 are known at once; those of leg 3 must be
   * asked for.
   */
  ofLeg(flow: Flow, leg: Leg): Track | undefined {
    const lane = this.#lanes.findIndex(({ leg: number }) => number === leg.number);
    return this.#track(lane, leg.number === 1, () => this.#ends.ofLeg(flow, leg));
  }

  /**
   * Returns undefined for a wire that is not captured. The address of the sshd is noted in both cases, because leg 3
   * needs it.
   */
  ofWire(wire: Wire): Track | undefined {
    const told = this.#ends.ofWire(wire);
    // The way to a fallback may have more sessions than the way to the destination: the last interface has the rest.
    const lane = this.#lanes.findLastIndex(
      ({ leg, strand, hop }) => leg === 2 && strand === wire.strand && hop <= wire.hop,
    );
    return this.#track(lane, true, () => told);
  }

  #track(interfaceIndex: number, ready: boolean, ends: () => TrackEnds): Track | undefined {
    const mark = this.#lanes[interfaceIndex]?.mark;
    return mark === undefined ? undefined : { interfaceIndex, mark, ends, ready };
  }
}
