/** What goes over the bus: the events of the contract, and beside them what is of porthop's inside only. */
import type { Address } from "../codec/address.ts";
import type { TunnelEvent, Wire } from "../plugin.ts";

export type InsideEvent =
  /** A session's connection stands and nothing was sent on it: who wants to see its first byte asks now, not later. */
  | { readonly event: "wire"; readonly viewFor: (plugin: string) => Wire }
  /** A line of the key log of this session, and so a secret: told only where somebody heard it before the session began. */
  | { readonly event: "keys"; readonly session: string; readonly line: string }
  /** A step on the way to a session is done. */
  | { readonly event: "progress"; readonly step: Progress }
  /** What the server wants to have shown before the login; safe to show. */
  | { readonly event: "banner"; readonly text: string };

export type BusEvent = TunnelEvent | InsideEvent;

export type EventName = BusEvent["event"];

export type EventNamed<N extends EventName> = Extract<BusEvent, { readonly event: N }>;

/** For whoever shows a connection step by step. */
export type Progress =
  /** What the host's name turned out to be. Not told where a jump host or a program connects. */
  | { readonly done: "name"; readonly addresses: readonly string[] }
  /** The stream that the session is spoken over stands. */
  | { readonly done: "connection"; readonly local: Address | undefined; readonly remote: Address | undefined }
  /** The server's software, as it says it itself (RFC 4253, section 4.2): not safe to show. */
  | { readonly done: "greeting"; readonly software: string }
  /** The keys are exchanged, and the host key was accepted. */
  | {
      readonly done: "host-key";
      readonly kind: string;
      readonly fingerprint: string;
      /** Why it was accepted; undefined when that is not known. */
      readonly because: string | undefined;
    }
  /** The server lets the user in; `by` is the method that did it. */
  | { readonly done: "login"; readonly by: string | undefined };

export type TellProgress = (step: Progress) => void;
