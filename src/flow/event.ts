/** What goes over the bus: the public events of the plugin contract, and events for porthop's inside only. */
import type { Address } from "../codec/address.ts";
import type { TunnelEvent, Wire } from "../plugin.ts";

export type InsideEvent =
  /**
   * A session's connection is established, and no byte was sent yet. Whoever wants to see the first byte must begin to
   * watch now.
   */
  | { readonly event: "wire"; readonly viewFor: (plugin: string) => Wire }
  /**
   * A line of the key log of this session, which is a secret. It is told only when somebody listened before the session
   * began.
   */
  | { readonly event: "keys"; readonly session: string; readonly line: string }
  /** A step on the way to a session is done. */
  | { readonly event: "progress"; readonly step: Progress }
  /** The server's text before the login (RFC 4252, section 5.4). It is safe to show in a terminal. */
  | { readonly event: "banner"; readonly text: string };

export type BusEvent = TunnelEvent | InsideEvent;

export type EventName = BusEvent["event"];

export type EventNamed<N extends EventName> = Extract<BusEvent, { readonly event: N }>;

/** The steps on the way to a session, for code that shows a connection step by step. */
export type Progress =
  /** The addresses of the host's name. Not told when a jump host or a program connects. */
  | { readonly done: "name"; readonly addresses: readonly string[] }
  /** The stream that carries the session is open. */
  | { readonly done: "connection"; readonly local: Address | undefined; readonly remote: Address | undefined }
  /** The server's software, in the server's own words (RFC 4253, section 4.2). It is not safe to show in a terminal. */
  | { readonly done: "greeting"; readonly software: string }
  /** The keys are exchanged, and the host key was accepted. */
  | {
      readonly done: "host-key";
      readonly kind: string;
      readonly fingerprint: string;
      /** Why the host key was accepted. Undefined when that is not known. */
      readonly because: string | undefined;
    }
  /** The user is logged in. `by` is the method that succeeded. */
  | { readonly done: "login"; readonly by: string | undefined };

export type TellProgress = (step: Progress) => void;
