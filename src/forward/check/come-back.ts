/**
 * Finds out on which of its addresses a server listens for a remote forward, where nobody may look at its sockets: the
 * server is asked to dial the port at each address. A connection that comes back through the forward shows a listener
 * of the forward, and one that does not come back has reached another program.
 */
import { type Address, formatAddress, isUnix, type TcpAddress } from "../../codec/address.ts";
import { isSameAddress } from "../../codec/ip-bytes.ts";
import { PorthopError } from "../../errors.ts";
import type { Dialer, Inbound } from "../../flow/conn.ts";

/** The origin of a connection that no client asked for. */
export const noClient = { host: "127.0.0.1", port: 0 };

export interface ComeBack {
  /** The addresses whose connections came back. */
  readonly ours: readonly TcpAddress[];
  /** The addresses where another program answers. */
  readonly others: readonly TcpAddress[];
}

/** The listener's end: hears of the connections that come in on the forward, and refuses each. */
export class ComingBack {
  readonly #told = new Set<(origin: Address | undefined) => void>();

  accept(inbound: Inbound): void {
    for (const told of [...this.#told]) told(inbound.origin);
    inbound.refuse(new PorthopError("target.prohibited", "porthop check carries nothing"));
  }

  /**
   * Dials the port of `listen` at both loopback addresses of the server, and at the bind address. Rejects only when
   * `signal` fires. An address that the server may not or cannot dial is in neither list.
   */
  async tryAddresses(dialer: Dialer, listen: TcpAddress, patienceMs: number, signal: AbortSignal): Promise<ComeBack> {
    const ours: TcpAddress[] = [];
    const others: TcpAddress[] = [];
    // One after the other: the connection that comes back does not say by which address it went.
    for (const address of candidates(listen)) {
      const found = await this.#try(dialer, address, patienceMs, signal);
      if (found === "ours") ours.push(address);
      if (found === "other") others.push(address);
    }
    return { ours, others };
  }

  async #try(
    dialer: Dialer,
    address: TcpAddress,
    patienceMs: number,
    signal: AbortSignal,
  ): Promise<"ours" | "other" | "unknown"> {
    const back = this.#listenFor(address);
    const limit = () => AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
    try {
      const { conn } = await dialer.dial(address, noClient, limit());
      // The answer to the dial may come first. What follows it comes right behind.
      await orAborted(back.heard, limit());
      conn.abort(new PorthopError("cancelled", `it is known who listens on ${formatAddress(address)}`));
      if (signal.aborted) throw signal.reason;
      return back.isHeard() ? "ours" : "other";
    } catch {
      if (signal.aborted) throw signal.reason;
      return back.isHeard() ? "ours" : "unknown";
    } finally {
      back.stop();
    }
  }

  #listenFor(address: TcpAddress) {
    let isHeard = false;
    const { promise: heard, resolve } = Promise.withResolvers<void>();
    const told = (origin: Address | undefined) => {
      if (!isFromServer(origin, address)) return;
      isHeard = true;
      resolve();
    };
    this.#told.add(told);
    return { heard, isHeard: () => isHeard, stop: () => this.#told.delete(told) };
  }
}

function orAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
    void promise.then(resolve);
  });
}

const loopbacks = ["127.0.0.1", "::1"];

function candidates({ host, port }: TcpAddress): readonly TcpAddress[] {
  const isName = ["localhost", "*", "", "0.0.0.0", "::"].includes(host);
  return [...new Set([...loopbacks, ...(isName ? [] : [host])])].map((each) => ({ host: each, port }));
}

/** A dial to a loopback address of the server comes from that address; other clients come from elsewhere. */
function isFromServer(origin: Address | undefined, { host }: TcpAddress): boolean {
  if (!loopbacks.includes(host) || origin === undefined || isUnix(origin)) return true;
  return isSameAddress(host, origin.host);
}
