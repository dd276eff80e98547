/**
 * Channels that the server opens towards this machine for a command of ours: its agent's and its X11 connections. Each is
 * joined to a socket here, dialed first; both halves end on their own, and a break of one is a break of the other.
 * They are no flows: what an agent or an X server says is nobody's to see, so no plugin and no capture of leg 3 gets it.
 */
import { PorthopError } from "../../errors.ts";
import type { Conn } from "../../flow/conn.ts";
import type { ChannelOpening } from "../ssh2/channel-opening.ts";
import type { Ports } from "../ssh2/ports.ts";
import { acceptOpening, type RemoteCarrier } from "./remote-inbound.ts";

export type SideChannelType = "auth-agent@openssh.com" | "x11";

export interface SideCarrier extends RemoteCarrier {
  readonly ports: Pick<Ports, "onChannelOpen">;
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

/** Takes the server's channels of one type from now on. */
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

/** A server that opens more at a time wants something else: each costs a socket here and what it holds. */
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

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
