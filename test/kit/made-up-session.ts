/**
 * A session without a server: its requests are recorded, its channels end in memory, and it is lost when the test says
 * so.
 */
import { type Address, formatAddress, isUnix } from "../../src/codec/address.ts";
import { PorthopError } from "../../src/errors.ts";
import type { Accept, Conn, Inbound, LegFacts, Listener } from "../../src/flow/conn.ts";
import type { ForwardingSession } from "../../src/forward/pairing.ts";
import { Uplink } from "../../src/forward/uplink/uplink.ts";
import { connPair, type MemoryConn } from "./memory-conn.ts";

export interface MadeUp {
  /** Replaces opening a channel at once. */
  readonly open?: () => Promise<Conn>;
  /** Replaces listening at once. The result says where the listener shows itself to listen. */
  readonly listen?: (wanted: Address) => Promise<Omit<Listener, "close">>;
}

/** The port that a made-up server gives when any port will do. */
export const givenPort = 40_001;

export class MadeUpSession implements ForwardingSession {
  /**
   * The requests in order: `dialing db:5432`, `dial db:5432`, `dialed db:5432`, `listen localhost:8080 for R1`, `close
   * localhost:8080`.
   */
  readonly asked: string[] = [];
  /** The far ends of the session's channels. */
  readonly targets: MemoryConn[] = [];
  readonly leg: LegFacts;
  readonly lost: Promise<PorthopError>;
  readonly locator: ForwardingSession["locator"];
  goneBy: PorthopError | undefined;
  waiting = 0;
  readonly #madeUp: MadeUp;
  readonly #accepting = new Map<string, Accept>();
  readonly #loss = Promise.withResolvers<PorthopError>();

  /** `port` is the session's own end of leg 2, which distinguishes sessions. */
  constructor(port = 33450, madeUp: MadeUp = {}) {
    this.leg = { from: { host: "10.0.0.1", port }, to: { host: "10.0.0.2", port: 22 }, observed: true };
    this.lost = this.#loss.promise;
    this.#madeUp = madeUp;
    this.locator = {
      dialing: (target) => {
        this.asked.push(`dialing ${formatAddress(target)}`);
        return {
          done: () => void this.asked.push(`dialed ${formatAddress(target)}`),
          locate: async () => {
            this.asked.push(`locate ${formatAddress(target)}`);
            return { from: { host: "10.0.0.2", port }, to: target };
          },
        };
      },
    };
  }

  async openChannel(...[target, , signal]: Parameters<ForwardingSession["openChannel"]>): Promise<Conn> {
    if (this.goneBy !== undefined) throw this.goneBy;
    if (signal.aborted) throw signal.reason;
    this.asked.push(`dial ${formatAddress(target)}`);
    if (this.#madeUp.open !== undefined) return this.#madeUp.open();
    const [near, far] = connPair();
    this.targets.push(far);
    return near;
  }

  async listen(wanted: Address, accept: Accept, forward = "nobody"): Promise<Listener> {
    if (this.goneBy !== undefined) throw this.goneBy;
    this.asked.push(`listen ${formatAddress(wanted)} for ${forward}`);
    const shown = (await this.#madeUp.listen?.(wanted)) ?? { addresses: [given(wanted)] };
    const where = formatAddress(shown.addresses[0]);
    this.#accepting.set(where, accept);
    return {
      ...shown,
      close: async () => {
        this.#accepting.delete(where);
        this.asked.push(`close ${where}`);
      },
    };
  }

  /** Plays a connection to a listener of the session. */
  connect(where: string, inbound: Inbound): void {
    const accept = this.#accepting.get(where);
    if (accept === undefined) throw new Error(`nobody listens at ${where}`);
    accept(inbound);
  }

  get listening(): readonly string[] {
    return [...this.#accepting.keys()];
  }

  /** The session is over, but `lost` has not resolved. */
  go(reason = lostBy()): PorthopError {
    this.goneBy = reason;
    for (const target of this.targets) target.abort(reason);
    return reason;
  }

  /** The session is over, and `lost` resolves. */
  lose(reason = lostBy()): PorthopError {
    this.#loss.resolve(this.go(reason));
    return reason;
  }
}

export function lostBy(): PorthopError {
  return new PorthopError("ssh.lost", "the session was lost", { leg: 2 });
}

/** An uplink in which this session stands. */
export function uplinkWith<S extends ForwardingSession>(session: S): Uplink<S> {
  const uplink = new Uplink<S>();
  uplink.stands(session);
  return uplink;
}

function given(wanted: Address): Address {
  return isUnix(wanted) || wanted.port > 0 ? wanted : { ...wanted, port: givenPort };
}
