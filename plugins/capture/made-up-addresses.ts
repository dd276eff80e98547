/**
 * Made-up addresses for ends without a known address: a name that only the server resolves, a unix socket, or the port
 * from which sshd dialed. The addresses come from ranges that no real host has (RFC 2544's benchmark range, RFC 4193's
 * local range). Each name has one address, so that readers can tell names apart and the file can explain the address.
 */

/** How many host addresses 198.18.0.0/15 has, without those whose third or fourth byte is 0 or 255. */
const addressCount = 2 * 254 * 254;

/**
 * The first source port for connections whose real port nobody saw. Linux gives programs the ports 32768 to 60999, so a
 * higher port is not the port of a real connection to that address. Each port is used once before any port is used
 * again, so that two connections do not become one.
 */
const firstPort = 61_000;
const portCount = 65_536 - firstPort;

/**
 * The port of a listening unix socket, which has no port of its own. Port 0 is no choice: Wireshark takes traffic to
 * port 0 for LBT-TCP (its store ports are 0 to 0 by default), and marks each byte as malformed. Wireshark has no
 * protocol for port 1.
 */
export const unixPort = 1;

export class MadeUpAddresses {
  readonly #known = new Map<string, string>();
  #ports = 0;

  /**
   * Returns the address that stands for a name, and whether the address is new. After 129,032 names, all names are
   * forgotten and the addresses are used again.
   */
  addressOf(name: string): { readonly host: string; readonly isNew: boolean } {
    const known = this.#known.get(name);
    if (known !== undefined) return { host: known, isNew: false };
    if (this.#known.size === addressCount) this.#known.clear();
    const number = this.#known.size;
    const host = `198.${18 + Math.floor(number / (254 * 254))}.${1 + (Math.floor(number / 254) % 254)}.${1 + (number % 254)}`;
    this.#known.set(name, host);
    return { host, isNew: true };
  }

  port(): number {
    const port = firstPort + (this.#ports % portCount);
    this.#ports += 1;
    return port;
  }
}

/** Returns an address of the family of `host`, for an end of which nothing is known. */
export function strangerTo(host: string): string {
  return host.includes(":") ? "fd70:6800::1" : "198.19.255.254";
}
