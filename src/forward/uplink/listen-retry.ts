/**
 * What a new session is asked for when the server did not give the forward's listener back at once, and when: the same
 * address again and again. Where any port will do (`-R 0:...`) it is the former number first. Pure, without clock and
 * timer.
 */
import { type Address, isUnix } from "../../codec/address.ts";
import type { PorthopError } from "../../errors.ts";

const firstMs = 200;
const longestMs = 30_000;
/** So long the former number is asked for where any port will do. People may know it, but they want the forward more. */
const formerMs = 10_000;

export class ListenRetry {
  readonly #asked: Address;
  readonly #former: Address;
  #nextMs = firstMs;
  #waitedMs = 0;

  /** `asked` is what the forward asks for, `former` is where it listened last. */
  constructor(asked: Address, former: Address) {
    this.#asked = asked;
    this.#former = former;
  }

  /** What to ask for now. */
  get wanted(): Address {
    return isAnyPort(this.#asked) && this.#waitedMs >= formerMs ? this.#asked : this.#former;
  }

  /** The server has refused. Returns how long to wait before it is asked again. */
  refused(): number {
    const leftMs = formerMs - this.#waitedMs;
    const waitMs = isAnyPort(this.#asked) && leftMs > 0 ? Math.min(this.#nextMs, leftMs) : this.#nextMs;
    this.#waitedMs += waitMs;
    this.#nextMs = Math.min(longestMs, this.#nextMs * 2);
    return waitMs;
  }
}

/** Why the server does not listen yet, as far as this can be known: the wire has no reason (RFC 4254, section 4). */
export function waitingReason({ message }: PorthopError, asked: Address, former: Address): string {
  if (isUnix(asked)) {
    return `${message} again: most likely the socket's file of the lost session is still there, for sshd leaves it behind: remove it there, or let its sshd_config say StreamLocalBindUnlink yes. porthop asks again and again`;
  }
  const isFree = isAnyPort(asked) && !isAnyPort(former);
  const until = isFree ? `${formerMs / 1000} s long, then for any other port` : untilFree;
  return `${message} again: most likely its sshd still holds the port for the lost session; ClientAliveInterval, or TCPKeepAlive, in its sshd_config decides for how long. porthop asks again and again${isFree ? "," : ""} ${until}`;
}

const untilFree =
  "until it is free. If it never is, another program has it, or AllowTcpForwarding or PermitListen forbids it now";

function isAnyPort(address: Address): boolean {
  return !isUnix(address) && address.port === 0;
}
