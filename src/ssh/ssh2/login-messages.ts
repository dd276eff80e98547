/**
 * The server's answers to a login, at their source: ssh2 1.17.0 forgets what is said to a key that came from an agent, so
 * that a partial success would be taken for a refusal; and a demand for a new password it answers with nothing.
 */
import type { ProtocolView } from "./view.ts";

/** Sends the new password. */
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
        // ssh2 takes an answer off this queue for each request, and forgets that this demand was one.
        protocol._authsQueue.shift();
        protocol.authPassword(...words);
      });
    };
  }

  /** SSH_MSG_USERAUTH_FAILURE: what can go on, and whether the last attempt was one step of several. */
  onFailure(told: (methods: readonly string[], isPartial: boolean) => void): void {
    this.#onFailure = told;
  }

  /** The signature algorithms that the server says it takes (RFC 8308, section 3.1). */
  onSignatures(told: (algorithms: readonly string[]) => void): void {
    this.#onSignatures = told;
  }

  /** SSH_MSG_USERAUTH_PASSWD_CHANGEREQ (RFC 4252, section 8). */
  onPasswordDemand(told: (prompt: string, change: ChangePassword) => void): void {
    this.#onPasswordDemand = told;
  }
}
