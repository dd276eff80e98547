/**
 * Where the target of a connection comes from: from the forward's own spec, or from what the connection asks for in a
 * SOCKS or HTTP handshake (src/forward/proxy-target.ts).
 */
import type { Address } from "../codec/address.ts";
import type { PorthopError } from "../errors.ts";
import type { Cancel, Inbound } from "../flow/conn.ts";

/** A connection whose target is known. */
export interface AskedConnection {
  /** The connection to answer. After a handshake an accept and a refusal are answers of its protocol. */
  readonly inbound: Inbound;
  readonly target: Address;
}

/** A connection whose request was refused. It is answered and ended by then, and becomes no flow. */
interface RefusedConnection {
  readonly refused: PorthopError;
}

/** Rejects when the connection ended and nobody has to hear of it: it said nothing at all, or porthop stops. */
export type TargetSource = (
  inbound: Inbound,
  signal: Cancel,
) => AskedConnection | Promise<AskedConnection | RefusedConnection>;

/** The target in the forward's own spec. */
export function specTarget(target: Address): (inbound: Inbound) => AskedConnection {
  return (inbound) => ({ inbound, target });
}
