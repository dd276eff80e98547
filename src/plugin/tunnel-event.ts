/**
 * The events of a tunnel: what a plugin hears by `host.on`, and `--json` prints by the same names. Fields are added over
 * time, never renamed.
 */
import type { Address } from "../codec/address.ts";
import type { FlowBreaker, LegNumber, PorthopError } from "../errors.ts";

export type ForwardKind = "local" | "remote" | "dynamic" | "reverse-dynamic" | "stdio" | "relay";

/** This machine, or the one behind the session. */
export type ForwardSide = "here" | "server";

/** A leg as it stands when its flow opens. */
export interface LegReport {
  readonly leg: LegNumber;
  readonly from: Address | undefined;
  readonly to: Address | undefined;
  readonly observed: boolean;
  /** Of leg 2 the id of its session. */
  readonly session?: string;
}

/** What a tunnel tells while it runs: the events of `--json` before they become text. An error is one value here. */
export type TunnelEvent =
  | {
      readonly event: "session";
      /** `S1`, as on its `Wire`. */
      readonly id: string;
      readonly state: "connecting" | "ready" | "lost" | "closed";
      readonly host: string;
      readonly port: number;
      readonly user: string;
      readonly attempt: number;
      /** Of a session with a jump host: 1 is the first of them. The destination's has none. */
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
      /** Every address it accepts on; `listen` is the first. */
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
      readonly target: Address;
      readonly legs: readonly LegReport[];
    }
  | {
      readonly event: "flow.close";
      readonly flow: string;
      readonly forward: string;
      readonly origin: Address;
      readonly target: Address;
      readonly up: number;
      readonly down: number;
      readonly ms: number;
      readonly reason: "ended" | "refused" | "aborted";
      /** Who broke it off, where that is known: `origin`, `target`, `session`, `control`, `plugin:limit`. */
      readonly by?: FlowBreaker;
      readonly error?: PorthopError;
    }
  | { readonly event: "error"; readonly error: PorthopError; readonly flow?: string };
