/**
 * A connection as the core sees it: two halves, each ended on its own, or both aborted at once.
 * Sockets, SSH channels and the in-memory conns of the tests all look like this; `end` and `abort` are never optional,
 * because a carrier that cannot half-close loses data (design.md, section 3, promise 3).
 */
import type { Address } from "../codec/address.ts";
import type { PorthopError } from "../errors.ts";
import type { Chunk, Leg } from "../plugin.ts";

export interface Conn {
  /** The next bytes, or undefined once the peer ended its half. Rejects with a PorthopError when the connection broke. One read at a time. */
  read(): Promise<Chunk | undefined>;
  /** Resolves when the bytes were accepted and more may follow; rejects when the connection broke. Never hangs on a dead peer. */
  write(chunk: Chunk): Promise<void>;
  /** Ends our half (FIN, or SSH's EOF) once all that was written is out; the peer may go on. */
  end(): Promise<void>;
  /** Breaks both halves at once (RST, or closing the channel). Reads and writes under way reject with `reason`. May be called at any time, more than once. */
  abort(reason: PorthopError): void;
  /** Calls `told` once when the connection breaks, also while nobody reads or writes; at once when it is broken already. */
  onBroken(told: (reason: PorthopError) => void): void;
}

/** A connection that came in and is not answered yet: the answer waits until the target was dialed. */
export interface Inbound {
  readonly origin: Address;
  /** What is known of the connection it came on; leg 1 of the flow. */
  readonly leg: LegFacts;
  accept(): Promise<Conn>;
  refuse(error: PorthopError): void;
}

/** What a listener or dialer knows of the TCP connection under a Conn. */
export interface LegFacts {
  readonly from: Address | undefined;
  readonly to: Address | undefined;
  readonly observed: boolean;
  /** Asks for the true addresses where they are not known yet; undefined when there is nobody to ask. */
  readonly locate?: (() => Promise<Pick<Leg, "from" | "to"> | undefined>) | undefined;
}

export interface Dialed {
  readonly conn: Conn;
  readonly leg: LegFacts;
}

/** Opens connections to targets. Rejects with a PorthopError that names leg 3 (or 2). */
export interface Dialer {
  dial(target: Address, origin: Address, signal: AbortSignal): Promise<Dialed>;
}

/** Something that accepts. Whoever holds it closes it. */
export interface Listener {
  /** Where it really accepts: the port is never 0. */
  readonly address: Address;
  /** Stops accepting. Connections that were already accepted go on. */
  close(): Promise<void>;
}
