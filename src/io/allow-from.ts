/**
 * Lets only some networks connect (--allow-from). Whoever is not listed is reset before anything is dialed and before a
 * flow begins, and is named once: a port scan must fill neither the screen nor the memory.
 */
import { isUnix } from "../codec/address.ts";
import { isWithin, type Network } from "../codec/cidr.ts";
import { PorthopError } from "../errors.ts";
import type { Inbound } from "../flow/conn.ts";

/** So many addresses are named; after that it is said once that there are more. */
const mostNamed = 100;

export class AllowFrom {
  readonly #networks: readonly Network[];
  readonly #warn: (text: string) => void;
  readonly #named = new Set<string>();

  constructor(networks: readonly Network[], warn: (text: string) => void) {
    this.#networks = networks;
    this.#warn = warn;
  }

  /** False when it was turned away. A unix socket has its own rights, and is not concerned. */
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
