/**
 * One TCP connection in the capture: what a watcher is told becomes frames, once its addresses are known.
 * Until `begin` was called everything waits in the timeline, which keeps the order among all connections.
 */
import type { TcpAddress } from "../../src/codec/address.ts";
import { type Frame, lengthOf } from "../../src/codec/capture/frame.ts";
import { TcpConversation } from "../../src/codec/capture/tcp-conversation.ts";
import type { Direction } from "../../src/plugin.ts";
import type { Recording } from "./recording.ts";
import type { Source, Timeline } from "./timeline.ts";

export interface TrackEnds {
  readonly from: TcpAddress;
  readonly to: TcpAddress;
  /** On the SYN. */
  readonly comment: string;
}

export class Track implements Source {
  readonly #recording: Recording;
  readonly #timeline: Timeline;
  readonly #interfaceIndex: number;
  readonly #leg: number;
  readonly #ends: () => TrackEnds;
  #conversation: TcpConversation | undefined;
  #comment = "";
  #timestampNs = 0n;
  #ready: boolean;

  /** `ends` is asked once, when the track begins: by `begin`, or by the timeline when it cannot wait any longer. */
  constructor(
    place: { recording: Recording; timeline: Timeline; interfaceIndex: number; leg: number },
    ready: boolean,
    ends: () => TrackEnds,
  ) {
    this.#recording = place.recording;
    this.#timeline = place.timeline;
    this.#interfaceIndex = place.interfaceIndex;
    this.#leg = place.leg;
    this.#ready = ready;
    this.#ends = ends;
  }

  get ready(): boolean {
    return this.#ready;
  }

  giveUp(): void {
    this.#ready = true;
  }

  /** The addresses are as good as they will get. */
  begin(): void {
    this.#ready = true;
    this.#timeline.advance();
  }

  open(): void {
    this.#add(0, (conversation) => conversation.open(this.#comment));
  }

  refused(reason: string): void {
    this.#add(0, (conversation) => conversation.refused(this.#comment, reason));
  }

  data(direction: Direction, slices: readonly Uint8Array[]): void {
    const bytes = lengthOf(slices);
    this.#add(bytes, (conversation) => {
      if (!this.#recording.full) conversation.data(direction, slices);
      else this.#recording.countDropped(this.#interfaceIndex, conversation.skip(direction, bytes));
    });
  }

  end(direction: Direction): void {
    this.#add(0, (conversation) => conversation.end(direction));
  }

  abort(by: Direction, reason: string): void {
    this.#add(0, (conversation) => conversation.abort(by, reason));
  }

  #add(bytes: number, act: (conversation: TcpConversation) => void): void {
    this.#timeline.add(this, bytes, (timestampNs) => {
      this.#timestampNs = timestampNs;
      this.#conversation ??= this.#start();
      act(this.#conversation);
    });
  }

  #start(): TcpConversation {
    const { from, to, comment } = this.#ends();
    this.#comment = comment;
    const facts = { leg: this.#leg, from, to, sums: this.#recording.sums };
    return new TcpConversation(facts, (direction: Direction, frame: Frame, text: string | undefined) => {
      this.#recording.packet(this.#interfaceIndex, this.#timestampNs, direction, frame, text);
    });
  }
}
