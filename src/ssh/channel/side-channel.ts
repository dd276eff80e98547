/**
 * Channels that the server opens towards this machine for a command of ours: its agent's and its X11 connections. Each is
 * joined to a socket here, dialed first; both halves end on their own, and a break of one is a break of the other.
 * They are no flows: what an agent or an X server says is nobody's to see, so no plugin and no capture of leg 3 gets it.
 */
import type { Client, ClientChannel } from "ssh2";
import type { Conn } from "../../flow/conn.ts";
import { type ChannelOpening, type RemoteCarrier, refuseOpen } from "./remote-inbound.ts";

export type SideChannelType = "auth-agent@openssh.com" | "x11";

export interface SideCarrier extends RemoteCarrier {
  readonly client: Client;
}

export interface SideChannels {
  readonly type: SideChannelType;
  /** In messages. */
  readonly name: string;
  /** The socket here. Rejects when there is none. */
  dial(): Promise<Conn>;
  /** Carries the two until both have ended or one broke. Never rejects. */
  carry(channel: Conn, here: Conn): Promise<void>;
  /** Says why none is taken just now. */
  refusal?(): string | undefined;
  /** What went wrong, for the user. */
  warn(text: string): void;
}

/** Counts what is open, as ssh waits for it before it ends. */
export class OpenSides {
  readonly #open = new Set<Promise<void>>();

  get count(): number {
    return this.#open.size;
  }

  add(work: Promise<void>): void {
    this.#open.add(work);
    void work.finally(() => this.#open.delete(work));
  }

  /** Resolves once none is open. */
  async idle(): Promise<void> {
    while (this.#open.size > 0) await Promise.all(this.#open);
  }
}

/** Takes the server's channels of one type from now on; false when this ssh2 does not let us. */
export function takeSideChannels(carrier: SideCarrier, sides: SideChannels, open: OpenSides): boolean {
  const { client } = carrier;
  return handOver(client, sides.type, (opening) => {
    const why = sides.refusal?.();
    if (why !== undefined) {
      sides.warn(why);
      refuseOpen(client, opening.reject, { reason: 1, text: "not taken any more" });
    } else if (open.count >= mostOpen) {
      refuseOpen(client, opening.reject, { reason: 4, text: "too many connections" });
    } else {
      open.add(connect(carrier, sides, opening));
    }
  });
}

/** A server that opens more at a time wants something else: each costs a socket here and what it holds. */
const mostOpen = 1000;

async function connect(carrier: SideCarrier, sides: SideChannels, opening: ChannelOpening): Promise<void> {
  let here: Conn;
  try {
    here = await sides.dial();
  } catch (error) {
    sides.warn(`the server asks for ${sides.name}, and there is none: ${messageOf(error)}`);
    if (carrier.goneBy === undefined) {
      refuseOpen(carrier.client, opening.reject, { reason: 2, text: "open failed" });
    }
    return;
  }
  if (carrier.goneBy !== undefined) return here.abort(carrier.goneBy);
  await sides.carry(carrier.adopt(opening.accept(), sides.name), here);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * ssh2 1.17.0 has no event for an agent's channel and joins it with pipe(), which loses half-closes and breaks; for x11
 * it has one. So the other is shown to it as an x11 channel too (lib/client.js, onCHANNEL_OPEN).
 */
function handOver(client: Client, type: SideChannelType, take: (opening: ChannelOpening) => void): boolean {
  const internals = client as unknown as Partial<ClientInternals>;
  const handlers = internals._protocol?._handlers;
  if (handlers === undefined || internals._acceptX11 === undefined) return false;
  const before = handlers.CHANNEL_OPEN;
  handlers.CHANNEL_OPEN = (self, info) => {
    if (info.type !== type) return before(self, info);
    const hand = (_info: unknown, accept: () => ClientChannel, reject: () => void) => take({ accept, reject });
    client.once("x11", hand);
    internals._acceptX11 = 1;
    try {
      before(self, { ...info, type: "x11" });
    } finally {
      internals._acceptX11 = 0;
      client.removeListener("x11", hand);
    }
  };
  return true;
}

interface ClientInternals {
  readonly _protocol: {
    readonly _handlers: { CHANNEL_OPEN: (self: unknown, info: { readonly type: string }) => void };
  };
  _acceptX11: number;
}
