/**
 * What a new session is asked for when the server did not give the forward's listener back at once, and when: the same
 * address again and again. Where any port will do (`-R 0:...`) it is the former number first. Pure, without clock and
 * timer.
 */
import { type Address, isUnix } from "../../codec/address.ts";

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

/**
 * Why the server does not listen yet, as far as this can be known: the wire has no reason (RFC 4254, section 4). Each
 * forward has this line, so it names the likely cause only; src/forward/README.md has the others.
 */
export function waitingReason(asked: Address, former: Address): string {
  if (isUnix(former)) {
    return `the server does not listen on ${former.path} again yet: most likely sshd left the file of the lost session there: remove it, or set StreamLocalBindUnlink yes in its sshd_config; asked again until it is gone`;
  }
  if (isAnyPort(former)) return "the server does not listen on any port yet; asked again until it does";
  const end = isAnyPort(asked)
    ? `after ${formerMs / 1000} s any other port is asked for`
    : "asked again until it is free";
  return `the server does not listen on port ${former.port} again yet: its sshd most likely still holds it for the lost session (ClientAliveInterval in its sshd_config says for how long); ${end}`;
}

function isAnyPort(address: Address): boolean {
  return !isUnix(address) && address.port === 0;
}
