/**
 * Makes frames from events: each track has one made-up TCP connection, which starts at its first event. While the file
 * can take no more payload, bytes are skipped and counted. The frames that follow then show that bytes are missing.
 */
import { RecentSums } from "../../src/codec/capture/recent-sums.ts";
import { type SentFrame, TcpConversation } from "../../src/codec/capture/tcp-conversation.ts";
import type { Recording } from "./recording.ts";
import type { DataEvent, Track, TrackEvent } from "./track.ts";

interface Begun {
  readonly tcp: TcpConversation;
  /** The comment for the SYN packet. */
  readonly comment: string;
}

export class Conversations {
  readonly #recording: Recording;
  /** Checksums that all conversations share, so that a chunk is summed once for legs 1 and 3. */
  readonly #sums = new RecentSums();
  /**
   * The conversation of each track. The map is weak: a conversation is forgotten when no more events can come for its
   * track.
   */
  readonly #begun = new WeakMap<Track, Begun>();

  constructor(recording: Recording) {
    this.#recording = recording;
  }

  take(event: TrackEvent): void {
    const { track, timestampNs } = event;
    for (const frame of this.#frames(event, this.#begun.get(track) ?? this.#begin(track))) {
      this.#recording.packet(track.interfaceIndex, timestampNs, frame);
    }
  }

  #begin(track: Track): Begun {
    const { from, to, comment } = track.ends();
    const tcp = new TcpConversation({ leg: track.mark, from, to, sums: this.#sums });
    const begun = { tcp, comment };
    this.#begun.set(track, begun);
    return begun;
  }

  #frames(event: TrackEvent, { tcp, comment }: Begun): readonly SentFrame[] {
    switch (event.kind) {
      case "opened":
        return tcp.open(comment);
      case "refused":
        return tcp.refused(comment, event.reason);
      case "data":
        return this.#recording.full ? this.#skipped(event, tcp) : tcp.data(event.direction, event.slices);
      case "ended":
        return tcp.end(event.direction);
      case "aborted":
        return tcp.abort(event.by, event.reason);
    }
  }

  #skipped({ track, direction, bytes }: DataEvent, tcp: TcpConversation): readonly SentFrame[] {
    const { frames, lost } = tcp.skip(direction, bytes);
    this.#recording.countDropped(track.interfaceIndex, lost);
    return frames;
  }
}
