/**
 * Where the target of a connection comes from: from the forward's own spec, or from what the connection asks for in a
 * SOCKS or HTTP CONNECT handshake (src/forward/proxy-target.ts).
 */
import type { Address } from "../codec/address.ts";
import type { Cancel, Inbound } from "../flow/conn.ts";

/** A connection whose target is known. */
export interface AskedConnection {
  /** The connection to answer. After a handshake an accept and a refusal are answers of its protocol. */
  readonly inbound: Inbound;
  readonly target: Address;
}

/** Rejects when the connection asked for nothing sensible in time. The connection is answered and ended by then. */
export type TargetSource = (inbound: Inbound, signal: Cancel) => AskedConnection | Promise<AskedConnection>;

/** The target in the forward's own spec. */
export function specTarget(target: Address): TargetSource {
  return (inbound) => ({ inbound, target });
}
