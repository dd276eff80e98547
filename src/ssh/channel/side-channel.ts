/**
 * Channels that the server opens to this machine for a command of ours: connections to the agent and to the X server.
 * Each channel is joined to a socket here, which is dialed first. Each half ends on its own; when one side breaks, the
 * other side breaks too. These channels are no flows: they are private, so no plugin sees them and no capture of leg 3
 * has them.
 */
import { PorthopError } from "../../errors.ts";
import type { Conn } from "../../flow/conn.ts";
import { messageOf } from "../../text/error-message.ts";
import type { ChannelOpening } from "../ssh2/channel-opening.ts";
import type { Ports } from "../ssh2/ports.ts";
import { acceptOpening, type RemoteCarrier } from "./remote-inbound.ts";

export type SideChannelType = "auth-agent@openssh.com" | "x11";

export interface SideCarrier extends RemoteCarrier {
  readonly ports: Pick<Ports, "onChannelOpen">;
}

export interface SideChannels {
  readonly type: SideChannelType;
  /** The name of the local end in messages. */
  readonly name: string;
  /** Dials the socket on this machine. Rejects when there is none. */
  dial(): Promise<Conn>;
  /** Carries bytes between both until both have ended or one broke. Never rejects. */
  carry(channel: Conn, here: Conn): Promise<void>;
  /** Why a new channel is refused at this moment; undefined when it is not. */
  refusal?(): string | undefined;
  /** Tells the user what went wrong. */
  warn(text: string): void;
}

/** Counts the open channels. ssh waits until none is open before it ends, and porthop does too. */
export class OpenSides {
  readonly #open = new Set<Promise<void>>();

  get count(): number {
    return this.#open.size;
  }

  add(work: Promise<void>): void {
    this.#open.add(work);
    void work.finally(() => this.#open.delete(work));
  }

  /** Resolves when no channel is open. */
  async idle(): Promise<void> {
    while (this.#open.size > 0) await Promise.all(this.#open);
  }
}

/** Accepts the server's channels of one type from now on. */
export function takeSideChannels(carrier: SideCarrier, sides: SideChannels, open: OpenSides): void {
  carrier.ports.onChannelOpen(sides.type, (opening) => {
    const why = sides.refusal?.();
    if (why !== undefined) {
      sides.warn(why);
      opening.refuse({ reason: 1, text: "not taken any more" });
    } else if (open.count >= mostOpen) {
      opening.refuse({ reason: 4, text: "too many connections" });
    } else {
      open.add(connect(carrier, sides, opening));
    }
  });
}

/** A server that has more channels open at one time has bad intentions: each costs a socket here and buffers. */
const mostOpen = 1000;

async function connect(carrier: SideCarrier, sides: SideChannels, opening: ChannelOpening): Promise<void> {
  let here: Conn;
  try {
    here = await sides.dial();
  } catch (error) {
    sides.warn(`the server asks for ${sides.name}, and there is none: ${messageOf(error)}`);
    if (carrier.goneBy === undefined) {
      opening.refuse({ reason: 2, text: "open failed" });
    }
    return;
  }
  const channel = acceptOpening(opening, carrier);
  if (channel instanceof PorthopError) here.abort(channel);
  else await sides.carry(carrier.adopt(channel, sides.name), here);
}
