/**
 * Addresses for what has none that we know: a target named by a name that only the server resolves, a unix socket, or
 * the port from which sshd dialed. They come from ranges that no real host has (RFC 2544's benchmark range, RFC 4193's
 * local one), one for each name, so that a reader can tell them and the file can say what they stand for.
 */

/** 198.18.0.0/15 has this many host addresses that end in neither 0 nor 255 in their last two bytes. */
const addressCount = 2 * 254 * 254;

/**
 * Source ports that nobody saw: above those that Linux gives to programs (32768 to 60999), so that none is the port of a
 * real connection to the same address, and each once before any is used again, so that no two connections become one.
 */
const firstPort = 61_000;
const portCount = 65_536 - firstPort;

/**
 * The port of a listening unix socket, which has none. Not 0: Wireshark takes whatever goes there for LBT-TCP (its store
 * ports are 0 to 0 by default), and finds each byte of it malformed. No protocol of its own goes to port 1.
 */
export const unixPort = 1;

export class MadeUpAddresses {
  readonly #known = new Map<string, string>();
  #ports = 0;

  /** The address that stands for a name, and whether it is a new one. Beyond 129,032 names all are forgotten. */
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

/** An address of the same family as `host`, for an end of which nothing is known. */
export function strangerTo(host: string): string {
  return host.includes(":") ? "fd70:6800::1" : "198.19.255.254";
}
