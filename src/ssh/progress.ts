/** The steps on the way to a session, each told when it is done: for whoever shows a connection step by step. */
import type { Address } from "../codec/address.ts";

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

export type TellProgress = (progress: Progress) => void;
