/** A trust for tests: any host key is accepted and the login is `none`, unless the test says otherwise. */
import { PorthopError } from "../../src/errors.ts";
import type { Trust } from "../../src/ssh/login.ts";

export function easyTrust(changes: Partial<Trust> = {}): Trust {
  let offered = false;
  return {
    hostKeyTypes: [],
    verify: async () => {},
    authHandler: (_methods, _partial, next) => {
      if (offered) return next(false as never);
      offered = true;
      next({ type: "none", username: "anna" });
    },
    attach: () => {},
    authFailure: (cause) => new PorthopError("ssh.auth-failed", "refused the login of anna", { leg: 2, cause }),
    ...changes,
  };
}
