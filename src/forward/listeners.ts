/**
 * The listeners of a tunnel's forwards: set up one after the other, each reported once it is up, and all closed
 * together. Each connection that comes in becomes a flow.
 */
import type { Forward } from "../config/forward.ts";
import { PorthopError } from "../errors.ts";
import type { Accept, Cancel, Listener } from "../flow/conn.ts";
import type { Flows } from "./flows.ts";
import { type ForwardingSession, type PairingOptions, pair } from "./pairing.ts";
import type { Uplink } from "./uplink/uplink.ts";

export interface ListenersOptions extends PairingOptions {
  /** Whether a listener that cannot be set up ends the tunnel. */
  readonly exitOnForwardFailure: boolean;
}

export class Listeners {
  readonly #flows: Pick<Flows, "accept">;
  readonly #uplink: Uplink<ForwardingSession> | undefined;
  readonly #options: ListenersOptions;
  readonly #open: Listener[] = [];
  /** The remarks that were told last of each forward on the server. Each new session makes them again. */
  readonly #told = new Map<string, readonly string[]>();

  /** `uplink` is undefined for a relay. */
  constructor(flows: Pick<Flows, "accept">, uplink: Uplink<ForwardingSession> | undefined, options: ListenersOptions) {
    this.#flows = flows;
    this.#uplink = uplink;
    this.#options = options;
  }

  /** Sets up the listeners. Resolves with the names of the forwards that are up. */
  async open(forwards: readonly Forward[], signal: Cancel): Promise<readonly string[]> {
    const up: string[] = [];
    for (const forward of forwards) if (await this.#isUp(forward, signal)) up.push(forward.id);
    return up;
  }

  async close(): Promise<void> {
    await Promise.all(this.#open.splice(0).map((listener) => listener.close()));
  }

  /** False when this listener could not be set up, and the other forwards go on. */
  async #isUp(forward: Forward, signal: Cancel): Promise<boolean> {
    const { exitOnForwardFailure, telling } = this.#options;
    if (signal.aborted) throw signal.reason;
    try {
      const pairing = pair(forward, this.#uplink, this.#options);
      const accept: Accept = (inbound) => this.#flows.accept(forward, pairing, inbound);
      const listener = await pairing.listen(accept, signal, {
        again: (later) => this.#tell(forward, later),
        mayBeRefused: !exitOnForwardFailure,
      });
      this.#open.push(listener);
      if (listener.refusedBy !== undefined) throw listener.refusedBy;
      this.#tell(forward, listener);
      return true;
    } catch (error) {
      // A stop or a lost session ends the whole tunnel, and is no failure of this forward.
      if (exitOnForwardFailure || signal.aborted || !(error instanceof PorthopError)) throw error;
      if (error.code === "ssh.lost") throw error;
      telling.bus.publish({ event: "error", error });
      return false;
    }
  }

  #tell({ id, kind, side, listen, connect }: Forward, { addresses, isUnseen, remarks = [] }: Listener): void {
    // stdin and stdout have no address to which anybody could connect.
    if (listen === undefined) return;
    this.#options.telling.bus.publish({
      event: "listening",
      forward: id,
      kind,
      listen: addresses[0],
      addresses: isUnseen === true ? [] : addresses,
      connect,
      side,
    });
    const told = this.#told.get(id) ?? [];
    this.#told.set(id, remarks);
    for (const remark of remarks) {
      if (!told.includes(remark)) this.#options.telling.loggerFor().warn(`${id}: ${remark}`);
    }
  }
}
