/**
 * A connection as the core sees it: two halves. Each half ends on its own, or both are aborted at once. Sockets, SSH
 * channels and the in-memory conns of the tests all have this shape. `end` and `abort` are never optional, because a
 * carrier that cannot half-close loses data (promise 3 of src/README.md).
 */
import type { Address } from "../codec/address.ts";
import type { PorthopError } from "../errors.ts";
import type { Chunk, Direction, Leg } from "../plugin.ts";

export interface Conn {
  /**
   * The next bytes, or undefined when the peer has ended its half. Rejects with a PorthopError when the connection
   * broke. Only one read may be under way.
   */
  read(): Promise<Chunk | undefined>;
  /**
   * Resolves when the bytes were accepted and more may follow. Rejects when the connection broke or the peer has gone.
   * Never hangs on a dead peer.
   */
  write(chunk: Chunk): Promise<void>;
  /** Ends our half (FIN, or EOF in SSH) when all written bytes are out. The peer may go on. */
  end(): Promise<void>;
  /**
   * Closes the connection in good order. Call this when our half has ended and nobody waits for the peer's half. Bytes
   * of the peer can be read for a short time, and then the reads end. When the peer has not ended by itself, `left` is
   * called just before that end.
   */
  close(left: () => void): void;
  /**
   * Breaks both halves at once (RST, or a closed channel). Reads and writes under way reject with `reason`. May be
   * called at any time and more than once.
   */
  abort(reason: PorthopError): void;
  /**
   * Calls `told` once when the connection breaks, even when nobody reads or writes. When the connection is broken
   * already, `told` is called at once.
   */
  onBroken(told: (reason: PorthopError) => void): void;
  /**
   * Called when the other side of the flow is open too: from now on the conn may read ahead. Before, a conn that may
   * have to wait for its target reads little more than it is asked for. Left out where no conn waits.
   */
  joined?(): void;
  /**
   * True when the peer has gone in good order, as a server does that closes a channel. All bytes that the peer sent can
   * still be read. Bytes that are written from now on do not reach the peer. This is not a break.
   */
  readonly isGone: boolean;
  /** Calls `told` once when the peer has gone; at once when the peer has gone already. */
  onGone(told: () => void): void;
}

/** A connection that came in and has no answer yet. The answer waits until the target was dialed. */
export interface Inbound {
  readonly origin: Address;
  /** What is known of the TCP connection on which it came: leg 1 of the flow. */
  readonly leg: LegFacts;
  /** The session through which it came, when the listener is on the server: leg 2 of the flow. */
  readonly session?: LegFacts | undefined;
  /** Answers with yes. The bytes of the answer itself are no part of the flow, and are reported to `leg`. */
  accept(leg?: LegTeller): Promise<Conn>;
  refuse(error: PorthopError, leg?: LegTeller): void;
  /**
   * Calls `told` when the connection breaks while it has no answer: at once when it is broken already. It then needs no
   * answer any more. A client that has only ended its half is not told of: it may wait for what the target says. A TCP
   * client that has closed both halves looks the same until it is written to, so its bytes go to the target, as with ssh.
   * Left out where a break cannot be seen before the answer.
   */
  onBroken?(told: (reason: PorthopError) => void): void;
  /**
   * True when `refuse` answers in the words of a protocol (SOCKS, HTTP) and then ends the connection in good order;
   * `leg` hears of that. Without this, `refuse` breaks the connection off.
   */
  readonly refusesInWords?: true;
  /**
   * True when the conn of `accept` tells `leg` itself of the bytes that pass, because these are not the bytes of the flow: a plain
   * HTTP request is written anew for its target.
   */
  readonly tellsLeg?: true;
}

/** Hears what happens on a leg outside the flow's own halves: the answers of a proxy handshake. */
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
  /** On leg 2 the id of the session. */
  readonly session?: string | undefined;
  /** Asks for the true addresses that are not known yet. Undefined when there is nobody to ask. */
  readonly locate?: (() => Promise<Pick<Leg, "from" | "to"> | undefined>) | undefined;
  /** The bytes that passed before the flow began: a proxy handshake up to its answer. */
  readonly passed?: readonly Passed[];
}

export interface Dialed {
  readonly conn: Conn;
  readonly leg: LegFacts;
  /** The session through which the target was dialed, if any: leg 2 of the flow. */
  readonly session?: LegFacts | undefined;
}

/** Opens connections to targets. Rejects with a PorthopError that names leg 3 (or 2). */
export interface Dialer {
  /**
   * Leg 2 of the session through which a dial would go now. Undefined for a dialer that uses no session, and while
   * several stand: which one gets the dial is known only when it is made.
   */
  readonly through?: LegFacts | undefined;
  dial(target: Address, origin: Address, signal: Cancel, held?: Held): Promise<Dialed>;
}

/** A connection that may have to wait until its target can be dialed at all: its session was lost. */
export interface Held {
  /** When the connection was accepted (performance.now). */
  readonly sinceMs: number;
  /** Called after each wait, however it ended. */
  waited(ms: number): void;
}

/**
 * The parts of an AbortSignal that the core uses. Each flow has one, and a real AbortSignal costs as much as the rest
 * of the flow.
 */
export interface Cancel {
  readonly aborted: boolean;
  /** The error to throw. Undefined until the abort. */
  readonly reason: unknown;
  addEventListener(type: "abort", told: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: "abort", told: () => void): void;
}

/** Takes a connection that a listener has accepted. */
export type Accept = (inbound: Inbound) => void;

/** Accepts connections. The holder of a listener closes the listener. */
export interface Listener {
  /**
   * The addresses on which the listener really accepts; their ports are never 0. Show the first address where there is
   * room for only one.
   */
  readonly addresses: readonly [Address, ...Address[]];
  /** True when the addresses are only those that were asked for: a server listens, and does not tell where. */
  readonly isUnseen?: true;
  /** True when a part of the addresses was taken already: others get these connections. A remark tells it. */
  readonly isPartial?: true;
  /** Why nobody listens yet. The listener is asked for again with each later session. */
  readonly refusedBy?: PorthopError | undefined;
  /** What the user should know of this listener. Each remark is one line, and is printed behind the forward's name. */
  readonly remarks?: readonly string[];
  /** Stops accepting. Connections that were already accepted go on. */
  close(): Promise<void>;
}
