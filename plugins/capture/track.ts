/**
 * The tracks of a capture, each one TCP connection, and what happens on them, as plain values. An event goes one way:
 * leg-watching makes it, the timeline puts it in order, Conversations makes its frames, the Recording writes those.
 */
import type { Direction, Flow, Leg, LegNumber, Wire } from "../../src/plugin.ts";
import type { Ends, TrackEnds } from "./ends.ts";
import type { Lane } from "./interfaces.ts";

export interface Track {
  readonly interfaceIndex: number;
  /** In the packets' MAC addresses. */
  readonly mark: number;
  /** To be asked once, with its first event in the order of time. */
  readonly ends: () => TrackEnds;
  /** Whether its addresses are as good as they will get: only the timeline changes it. */
  ready: boolean;
}

interface Happened {
  readonly track: Track;
  readonly timestampNs: bigint;
}

export interface DataEvent extends Happened {
  readonly kind: "data";
  readonly direction: Direction;
  /** They follow each other. */
  readonly slices: readonly Uint8Array[];
  /** Of all slices together. */
  readonly bytes: number;
}

export type TrackEvent =
  | DataEvent
  | (Happened & { readonly kind: "opened" })
  | (Happened & { readonly kind: "refused"; readonly reason: string })
  | (Happened & { readonly kind: "ended"; readonly direction: Direction })
  | (Happened & { readonly kind: "aborted"; readonly by: Direction; readonly reason: string });

export class Tracks {
  readonly #lanes: readonly Lane[];
  readonly #ends: Ends;

  constructor(lanes: readonly Lane[], ends: Ends) {
    this.#lanes = lanes;
    this.#ends = ends;
  }

  /** Undefined for a leg that is not captured. The addresses of leg 3 must be asked for, those of leg 1 are known. */
  ofLeg(flow: Flow, leg: Leg): Track | undefined {
    return this.#track(leg.number, 1, leg.number === 1, () => this.#ends.ofLeg(flow, leg));
  }

  /** Undefined for one that is not captured; who dials the targets is learnt from it all the same. */
  ofWire(wire: Wire): Track | undefined {
    const told = this.#ends.ofWire(wire);
    return this.#track(2, wire.hop, true, () => told);
  }

  #track(leg: LegNumber, hop: number, ready: boolean, ends: () => TrackEnds): Track | undefined {
    const interfaceIndex = this.#lanes.findIndex((lane) => lane.leg === leg && lane.hop === hop);
    const mark = this.#lanes[interfaceIndex]?.mark;
    return mark === undefined ? undefined : { interfaceIndex, mark, ends, ready };
  }
}
