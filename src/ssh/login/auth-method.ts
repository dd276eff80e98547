/** The interface of the login methods: what a method is made from, and how a method is asked for its next attempt. */
import type { AnyAuthMethod } from "ssh2";
import type { Logger } from "../../plugin.ts";
import type { Prompter } from "../prompter.ts";
import type { Ssh2 } from "../ssh2/loading.ts";
import type { AuthRecord } from "./auth-record.ts";

export interface AuthMethod {
  /** The next attempt; undefined when this method has nothing more to try. Rejects when the whole login must end. */
  next(): Promise<AnyAuthMethod | undefined>;
  /** The server has accepted the latest attempt, of whatever method, as one step of several. */
  stepAccepted?(): void;
}

export interface AuthContext {
  readonly ssh2: Ssh2;
  readonly record: AuthRecord;
  readonly log: Logger;
  readonly prompter: Prompter | undefined;
  readonly signal: AbortSignal | undefined;
  /**
   * The algorithms of signatures that the server says it accepts (RFC 8308, section 3.1). Undefined when the server did
   * not say.
   */
  signatureAlgorithms(): readonly string[] | undefined;
  /** NumberOfPasswordPrompts. */
  readonly prompts: number;
  /** `user@host` as the user wrote them, safe to show. Questions name this account. */
  readonly account: string;
  /** Starts the next attempt, when the attempt under way has failed on our side. */
  readonly advance: () => void;
  /** Ends the login, for a reason on our side. */
  readonly giveUp: (reason: unknown) => void;
}
