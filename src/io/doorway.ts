/**
 * What comes in at a listener of this machine, TCP or unix: a conn that is answered once its target was dialed, served
 * when there are descriptors for it.
 */
import type { Socket } from "node:net";
import type { Address } from "../codec/address.ts";
import type { Inbound, LegFacts } from "../flow/conn.ts";
import { descriptors } from "./descriptors.ts";
import { socketConn } from "./socket-conn.ts";

/** Told for listeners that serve many; one that is up for a moment need not care. */
export interface Room {
  /** Targets are dialed from here too: two descriptors for each connection. */
  readonly dials: boolean;
  /** For people, to be said at once. */
  readonly warn: (text: string) => void;
}

export class Doorway {
  readonly #room: Room | undefined;
  readonly #onInbound: (inbound: Inbound) => void;
  #leave: (() => void) | undefined;

  constructor(room: Room | undefined, onInbound: (inbound: Inbound) => void) {
    this.#room = room;
    this.#onInbound = onInbound;
  }

  /** The listener is up. */
  open(): void {
    if (this.#room !== undefined) this.#leave = descriptors.enter(this.#room.warn);
  }

  /** No more will come. May be called more than once. */
  close(): void {
    this.#leave?.();
    this.#leave = undefined;
  }

  came(socket: Socket, origin: Address, leg: LegFacts): void {
    const conn = socketConn(socket, 1, origin);
    if (this.#room === undefined) {
      this.#onInbound({
        origin,
        leg,
        accept: () => Promise.resolve(conn),
        refuse: (error) => conn.abort(error),
      });
      return;
    }
    const { dials } = this.#room;
    let isOwed = false;
    const settle = (hasDialed: boolean) => {
      if (isOwed) descriptors.settled(hasDialed);
      isOwed = false;
    };
    const refuse: Inbound["refuse"] = (error) => {
      settle(false);
      conn.abort(error);
    };
    const accept: Inbound["accept"] = () => {
      settle(true);
      return Promise.resolve(conn);
    };
    socket.once("close", () => descriptors.freed());
    const serve = () => {
      isOwed = dials;
      this.#onInbound({ origin, leg, accept, refuse });
    };
    descriptors.admit({ dials, serve, refuse });
  }
}
