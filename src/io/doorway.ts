/**
 * Makes inbound connections of the sockets that a listener of this machine accepts, TCP or unix. A connection is served
 * when there are descriptors for it, and answered after its target was dialed.
 */
import type { Socket } from "node:net";
import type { Address } from "../codec/address.ts";
import type { Accept, Inbound, LegFacts } from "../flow/conn.ts";
import { descriptors } from "./descriptors.ts";
import { socketConn } from "./socket-conn.ts";

/** For a listener that serves many connections. A listener that is up only for a moment needs none. */
export interface Room {
  /** True when this machine dials the targets too: then each connection takes two descriptors. */
  readonly dials: boolean;
  /** Shows a message to the user at once. */
  readonly warn: (text: string) => void;
}

export class Doorway {
  readonly #room: Room | undefined;
  readonly #onInbound: Accept;
  #leave: (() => void) | undefined;

  constructor(room: Room | undefined, onInbound: Accept) {
    this.#room = room;
    this.#onInbound = onInbound;
  }

  /** Call this when the listener is up. */
  open(): void {
    if (this.#room !== undefined) this.#leave = descriptors.enter(this.#room.warn);
  }

  /** Call this when the listener accepts no more. May be called more than once. */
  close(): void {
    this.#leave?.();
    this.#leave = undefined;
  }

  came(socket: Socket, origin: Address, leg: LegFacts): void {
    const conn = socketConn(socket, 1, origin, { mayWait: true });
    if (this.#room === undefined) {
      this.#onInbound({
        origin,
        leg,
        accept: () => Promise.resolve(conn),
        refuse: (error) => conn.abort(error),
        onBroken: (told) => conn.onBroken(told),
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
    const onBroken: Inbound["onBroken"] = (told) =>
      conn.onBroken((reason) => {
        settle(false);
        told(reason);
      });
    socket.once("close", () => descriptors.freed());
    const serve = () => {
      isOwed = dials;
      this.#onInbound({ origin, leg, accept, refuse, onBroken });
    };
    descriptors.admit({ dials, serve, refuse });
  }
}
