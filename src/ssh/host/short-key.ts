/**
 * RequiredRSASize for host keys: an RSA key that is too short proves nothing, and is refused (sshconnect.c,
 * verify_host_key_callback).
 */
import { rsaBits } from "../../codec/keys/rsa-size.ts";
import { PorthopError } from "../../errors.ts";
import { visible } from "../../text/terminal-text.ts";
import { readHostCertificate } from "./host-authority.ts";

/**
 * Throws when the RSA key in `blob`, plain or certified, has fewer than `required` bits. `name` is the host's name for
 * the error.
 */
export function refuseShort(blob: Uint8Array, name: string, required: number): void {
  const bits = rsaBits(readHostCertificate(blob, name)?.key ?? blob);
  if (bits === undefined || bits >= required) return;
  throw new PorthopError(
    "ssh.host-key-unknown",
    `the RSA host key of ${visible(name)} has ${bits} bits, and RequiredRSASize asks for ${required}`,
    { leg: 2, hint: `have the server use an Ed25519 key or a longer one; -o RequiredRSASize=${bits} takes this one` },
  );
}
