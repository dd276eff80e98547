/**
 * Lets only the listed networks connect (--allow-from). A connection from any other address is reset before a dial and
 * before a flow begins. Each refused address is named once: a port scan must fill neither the screen nor the memory.
 */
import { isUnix } from "../codec/address.ts";
import { isWithin, type Network } from "../codec/cidr.ts";
import { PorthopError } from "../errors.ts";
import type { Inbound } from "../flow/conn.ts";

/** The number of addresses that are named. After that, one message says that there are more. */
const mostNamed = 100;

export class AllowFrom {
  readonly #networks: readonly Network[];
  readonly #warn: (text: string) => void;
  readonly #named = new Set<string>();

  constructor(networks: readonly Network[], warn: (text: string) => void) {
    this.#networks = networks;
    this.#warn = warn;
  }

  /**
   * Returns false after refusing the connection. One from a unix
   * socket passes: the socket's file has rights of its own.
   */
  admits(inbound: Inbound): boolean {
    const { origin } = inbound;
    if (isUnix(origin) || isWithin(origin.host, this.#networks)) return true;
    inbound.refuse(new PorthopError("target.prohibited", `${origin.host} may not connect`, { leg: 1 }));
    this.#tell(origin.host);
    return false;
  }

  #tell(host: string): void {
    if (this.#named.has(host) || this.#named.size > mostNamed) return;
    this.#named.add(host);
    if (this.#named.size > mostNamed) this.#warn("more addresses are turned away: they are not named any more");
    else this.#warn(`turned ${host} away: it is not in --allow-from`);
  }
}
