/** What the methods of a login have in common: what they are made from, and how they are asked for their next attempt. */
import type { AnyAuthMethod } from "ssh2";
import type { Logger } from "../../plugin.ts";
import type { Prompter } from "../prompter.ts";
import type { Ssh2 } from "../ssh2/loading.ts";
import type { AuthRecord } from "./auth-record.ts";

export interface AuthMethod {
  /** The next attempt, or undefined when this method has no more to try. Rejects when the login is to be given up. */
  next(): Promise<AnyAuthMethod | undefined>;
}

export interface AuthContext {
  readonly ssh2: Ssh2;
  readonly record: AuthRecord;
  readonly log: Logger;
  readonly prompter: Prompter | undefined;
  readonly signal: AbortSignal | undefined;
  /** What the server says it takes signatures of (RFC 8308, section 3.1); undefined when it said nothing. */
  signatureAlgorithms(): readonly string[] | undefined;
  /** NumberOfPasswordPrompts. */
  readonly prompts: number;
  /** `user@host` as the user named them, safe to show: whose password is asked for. */
  readonly account: string;
  /** An attempt that is under way came to nothing: start the next one. */
  readonly advance: () => void;
  /** Ends the login, for a reason on our side. */
  readonly giveUp: (reason: unknown) => void;
}
