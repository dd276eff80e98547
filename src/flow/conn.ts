/**
 * A connection as the core sees it: two halves, each ended on its own, or both aborted at once.
 * Sockets, SSH channels and the in-memory conns of the tests all look like this; `end` and `abort` are never optional,
 * because a carrier that cannot half-close loses data (design.md, section 3, promise 3).
 */
import type { Address } from "../codec/address.ts";
import type { PorthopError } from "../errors.ts";
import type { Chunk, Direction, Leg } from "../plugin.ts";

export interface Conn {
  /** The next bytes, or undefined once the peer ended its half. Rejects with a PorthopError when the connection broke. One read at a time. */
  read(): Promise<Chunk | undefined>;
  /** Resolves when the bytes were accepted and more may follow; rejects when the connection broke or the peer has gone. Never hangs on a dead peer. */
  write(chunk: Chunk): Promise<void>;
  /** Ends our half (FIN, or SSH's EOF) once all that was written is out; the peer may go on. */
  end(): Promise<void>;
  /**
   * Our half has ended and nothing waits for the peer's: closes in good order. What it still says can be read for a while,
   * then reads end; `left` is called before that where the peer has not ended by itself.
   */
  close(left: () => void): void;
  /** Breaks both halves at once (RST, or closing the channel). Reads and writes under way reject with `reason`. May be called at any time, more than once. */
  abort(reason: PorthopError): void;
  /** Calls `told` once when the connection breaks, also while nobody reads or writes; at once when it is broken already. */
  onBroken(told: (reason: PorthopError) => void): void;
  /**
   * The peer has gone in good order, as a server does that closes a channel: all that it sent can still be read, and
   * nothing that is written from now on reaches it. No break.
   */
  readonly isGone: boolean;
  /** Calls `told` once when that is so; at once when it is so already. */
  onGone(told: () => void): void;
}

/** A connection that came in and is not answered yet: the answer waits until the target was dialed. */
export interface Inbound {
  readonly origin: Address;
  /** What is known of the connection it came on; leg 1 of the flow. */
  readonly leg: LegFacts;
  /** The session that it came by, where the listener is on the server; leg 2 of the flow. */
  readonly session?: LegFacts | undefined;
  /** What goes over the connection in the answer, and is no part of the flow, is told to `leg`. */
  accept(leg?: LegTeller): Promise<Conn>;
  refuse(error: PorthopError, leg?: LegTeller): void;
  /** A refusal is said in words, told to `leg`, and the connection then ends in good order. Others are broken off. */
  readonly refusesInWords?: true;
}

/** Told what happens on a leg beside the flow's own halves: a proxy handshake's answers. */
export interface LegTeller {
  bytes(direction: Direction, chunk: Chunk): void;
  ended(direction: Direction): void;
  aborted(by: Direction, reason: Error): void;
}

/** Bytes that went over a connection before it became a flow. */
export interface Passed {
  readonly direction: Direction;
  readonly chunk: Chunk;
}

/** What a listener or dialer knows of the TCP connection under a Conn. */
export interface LegFacts {
  readonly from: Address | undefined;
  readonly to: Address | undefined;
  readonly observed: boolean;
  /** Of leg 2 the id of its session. */
  readonly session?: string | undefined;
  /** Asks for the true addresses where they are not known yet; undefined when there is nobody to ask. */
  readonly locate?: (() => Promise<Pick<Leg, "from" | "to"> | undefined>) | undefined;
  /** What went over it already: a proxy handshake up to its answer. */
  readonly passed?: readonly Passed[];
}

export interface Dialed {
  readonly conn: Conn;
  readonly leg: LegFacts;
  /** The session that it was dialed through, where there is one; leg 2 of the flow. */
  readonly session?: LegFacts | undefined;
}

/** Opens connections to targets. Rejects with a PorthopError that names leg 3 (or 2). */
export interface Dialer {
  /** Leg 2 of the session that a dial would go through just now, if it goes through one. */
  readonly through?: LegFacts | undefined;
  dial(target: Address, origin: Address, signal: Cancel): Promise<Dialed>;
}

/** What is used of an AbortSignal: each flow has one, and a real one costs as much as the rest of the flow. */
export interface Cancel {
  readonly aborted: boolean;
  /** What to throw; undefined until then. */
  readonly reason: unknown;
  addEventListener(type: "abort", told: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: "abort", told: () => void): void;
}

/** Takes what a listener has accepted. */
export type Accept = (inbound: Inbound) => void;

/** Something that accepts. Whoever holds it closes it. */
export interface Listener {
  /** Where it really accepts, and the port is never 0: the first one is what to show where there is room for one. */
  readonly addresses: readonly [Address, ...Address[]];
  /** What the user should know of it, each in one line, to follow the forward's name. */
  readonly remarks?: readonly string[];
  /** Stops accepting. Connections that were already accepted go on. */
  close(): Promise<void>;
}
