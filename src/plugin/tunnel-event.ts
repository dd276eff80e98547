/**
 * The events of a tunnel. A plugin hears them through `host.on`, and `--json` prints them under the names used here.
 * Later versions may add fields, and never rename a field.
 */
import type { Address } from "../codec/address.ts";
import type { FlowBreaker, LegNumber, PorthopError } from "../errors.ts";

export type ForwardKind = "local" | "remote" | "dynamic" | "reverse-dynamic" | "stdio" | "relay";

/** `here` is this machine, `server` is the machine behind the session. */
export type ForwardSide = "here" | "server";

/** What is known of a leg when its flow opens. The fields are those of `Leg`. */
export interface LegReport {
  readonly leg: LegNumber;
  readonly from: Address | undefined;
  readonly to: Address | undefined;
  readonly observed: boolean;
  /** On leg 2 the id of the session. */
  readonly session?: string;
}

/**
 * What a tunnel tells while it runs. `--json` prints these events as text; here an error is one value, a PorthopError.
 */
export type TunnelEvent =
  | {
      readonly event: "session";
      /** `S1`, `S2` ..., equal to `Wire.id`. */
      readonly id: string;
      readonly state: "connecting" | "ready" | "lost" | "closed";
      readonly host: string;
      readonly port: number;
      readonly user: string;
      /** Counted from 1 since the last session stood. */
      readonly attempt: number;
      /** The place of a jump host on the way, from 1. The destination's event has no `hop`. */
      readonly hop?: number;
      readonly local?: Address | undefined;
      readonly remote?: Address | undefined;
      readonly cipher?: string;
      readonly kex?: string;
      readonly hostKey?: string;
    }
  | {
      readonly event: "listening";
      readonly forward: string;
      readonly kind: ForwardKind;
      readonly listen: Address;
      /**
       * All addresses on which the forward accepts connections. `listen` is the first of them. None where only the
       * server knows on which addresses it listens: `listen` is then the address that was asked for, with the true port.
       */
      readonly addresses: readonly Address[];
      readonly connect: Address | undefined;
      readonly side: ForwardSide;
    }
  | { readonly event: "ready"; readonly forwards: readonly string[] }
  | {
      readonly event: "flow.open";
      readonly flow: string;
      readonly forward: string;
      readonly origin: Address;
      /**
       * Null for a connection to a proxy that was refused before it named a target; `flow.close` follows, and no plugin
       * is called for it.
       */
      readonly target: Address | null;
      readonly legs: readonly LegReport[];
    }
  | {
      readonly event: "flow.close";
      readonly flow: string;
      readonly forward: string;
      readonly origin: Address;
      readonly target: Address | null;
      readonly up: number;
      readonly down: number;
      readonly ms: number;
      readonly reason: "ended" | "refused" | "aborted";
      /** Who broke the flow off, where that is known: `origin`, `target`, `session`, `control`, `plugin:limit`. */
      readonly by?: FlowBreaker;
      readonly error?: PorthopError;
    }
  | {
      readonly event: "reconnect";
      /** Why a session is missing: the message of the error. */
      readonly reason: string;
      /** Which try to connect comes next, counted from 1 since the last session stood. */
      readonly attempt: number;
      /** In how many milliseconds that try begins. A new connection may cut the wait short. */
      readonly inMs: number;
    }
  | {
      readonly event: "held";
      /** A flow that had to wait for a session. Its wait is over: it goes on, or is refused. */
      readonly flow: string;
      /** How long it waited. */
      readonly ms: number;
    }
  | {
      readonly event: "forward.moved";
      readonly forward: string;
      /** Where the forward listens on the server now. */
      readonly listen: Address;
      /** Where it listened before the session was lost. */
      readonly was: Address;
    }
  | {
      readonly event: "forward.waiting";
      /** A forward that does not listen on the server yet. The server is asked again until it does. */
      readonly forward: string;
      readonly reason: string;
    }
  | { readonly event: "error"; readonly error: PorthopError; readonly flow?: string };
