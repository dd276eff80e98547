/**
 * The server's answers to a login, taken before ssh2 handles them. ssh2 1.17.0 drops the answers to a key of an agent,
 * so a partial success would look like a refusal. ssh2 also does not answer when the server demands a new password.
 */
import type { ProtocolView } from "./view.ts";

/** Sends the new password to the server. */
export type ChangePassword = (user: string, old: string, fresh: string) => void;

export class LoginMessages {
  #onFailure: ((methods: readonly string[], isPartial: boolean) => void) | undefined;
  #onSignatures: ((algorithms: readonly string[]) => void) | undefined;
  #onPasswordDemand: ((prompt: string, change: ChangePassword) => void) | undefined;

  constructor(protocol: ProtocolView) {
    const handlers = protocol._handlers;
    const { USERAUTH_FAILURE: fail, EXT_INFO: extend, USERAUTH_PASSWD_CHANGEREQ: demand } = handlers;
    handlers.USERAUTH_FAILURE = (self, methods, isPartial) => {
      this.#onFailure?.(methods, isPartial);
      fail(self, methods, isPartial);
    };
    handlers.EXT_INFO = (self, infos) => {
      const algorithms = infos.find(({ name }) => name === "server-sig-algs")?.algs;
      if (algorithms !== undefined) this.#onSignatures?.(algorithms);
      extend(self, infos);
    };
    handlers.USERAUTH_PASSWD_CHANGEREQ = (self, prompt) => {
      if (this.#onPasswordDemand === undefined) return demand(self, prompt);
      this.#onPasswordDemand(prompt, (...words) => {
        // ssh2 removes one entry from this queue for each answered request. ssh2 does not count the demand as an
        // answer, so the entry is removed here.
        protocol._authsQueue.shift();
        protocol.authPassword(...words);
      });
    };
  }

  /**
   * For SSH_MSG_USERAUTH_FAILURE: `methods` can go on; `isPartial` says that the last attempt was accepted as one step
   * of several.
   */
  onFailure(told: (methods: readonly string[], isPartial: boolean) => void): void {
    this.#onFailure = told;
  }

  /** The signature algorithms that the server says it accepts (RFC 8308, section 3.1). */
  onSignatures(told: (algorithms: readonly string[]) => void): void {
    this.#onSignatures = told;
  }

  /** For SSH_MSG_USERAUTH_PASSWD_CHANGEREQ (RFC 4252, section 8): the server wants a new password. */
  onPasswordDemand(told: (prompt: string, change: ChangePassword) => void): void {
    this.#onPasswordDemand = told;
  }
}
