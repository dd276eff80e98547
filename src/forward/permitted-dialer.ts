/**
 * Enforces PermitRemoteOpen on a reverse dynamic forward: a target that is not allowed is not dialed. The dialer checks
 * the target, because plugins of the chain may change the target before the dial.
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
