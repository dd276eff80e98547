/** What a tunnel tells while it runs: the events of `--json` (cli.md), field for field, before they become text. */
import type { PorthopError } from "../errors.ts";
import type { Address, ForwardKind } from "../plugin.ts";

export interface LegReport {
  readonly leg: 1 | 2 | 3;
  readonly from: Address | undefined;
  readonly to: Address | undefined;
  readonly observed: boolean;
}

export type TunnelEvent =
  | {
      readonly event: "session";
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
      readonly side: "here" | "server";
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
      readonly error?: PorthopError;
    }
  | { readonly event: "error"; readonly error: PorthopError; readonly flow?: string };

export type Report = (event: TunnelEvent) => void;
