/**
 * Where the target of a connection comes from: from the forward's own spec, or from what the connection asks for in a
 * SOCKS or HTTP CONNECT handshake (src/forward/proxy-target.ts).
 */
import type { Address } from "../codec/address.ts";
import type { Cancel, Inbound } from "../flow/conn.ts";

/** A connection whose target is known. */
export interface AskedConnection {
  /** How it is to be answered: a handshake has answers of its own for an accept and for a refusal. */
  readonly inbound: Inbound;
  readonly target: Address;
}

/** Rejects when the connection asked for nothing sensible in time; it was answered and ended then. */
export type TargetSource = (inbound: Inbound, signal: Cancel) => AskedConnection | Promise<AskedConnection>;

/** The target that the spec says. */
export function specTarget(target: Address): TargetSource {
  return (inbound) => ({ inbound, target });
}
