/**
 * Holds PermitRemoteOpen on a reverse dynamic forward: what the far side may not ask for is not dialed. The target is
 * looked at where it is dialed, so that it is the true one whatever the chain made of it.
 */
import { formatAddress, isUnix } from "../codec/address.ts";
import type { RemoteOpenRules } from "../codec/config/remote-open.ts";
import { PorthopError } from "../errors.ts";
import type { Dialer } from "../flow/conn.ts";
import { visible } from "../text/terminal-text.ts";

export function permittedDialer(dialer: Dialer, rules: RemoteOpenRules): Dialer {
  return {
    async dial(target, origin, signal) {
      if (isUnix(target) || !rules.permits(target)) {
        const where = visible(formatAddress(target), 300);
        throw new PorthopError("target.prohibited", `PermitRemoteOpen does not allow ${where}`, {
          hint: `-o PermitRemoteOpen="${where}" allows it; several stand with blanks in between`,
        });
      }
      return dialer.dial(target, origin, signal);
    },
  };
}
