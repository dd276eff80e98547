/**
 * The IP addresses and ports of each connection in the capture, and the comment that explains the connection. Unknown
 * addresses are made up, and the comment says so. A made-up address for a name is named in the file.
 */
import { isIP } from "node:net";
import {
  type Address,
  formatAddress,
  isLoopback,
  isUnix,
  plainHost,
  type TcpAddress,
} from "../../src/codec/address.ts";
import type { CaptureName } from "../../src/codec/capture/capture-file.ts";
import type { Flow, ForwardInfo, Leg, Wire } from "../../src/plugin.ts";
import { visible } from "../../src/text/terminal-text.ts";
import { MadeUpAddresses, strangerTo, unixPort } from "./made-up-addresses.ts";

export interface TrackEnds {
  readonly from: TcpAddress;
  readonly to: TcpAddress;
  /** The comment on the SYN packet. */
  readonly comment: string;
}

/** Writes a name for an address into the file. */
export type NameAddress = (name: CaptureName) => void;

export class Ends {
  readonly #name: NameAddress;
  readonly #hops: number;
  readonly #madeUp = new MadeUpAddresses();
  /**
   * Of each strand (`Wire.strand`) the session that began last, with the address of its sshd. This is the destination's
   * sshd when flows begin.
   */
  readonly #newest = new Map<number, { readonly id: string; readonly sshd: string }>();

  /** `hops` is the number of sessions on the way, with the destination's session. */
  constructor(hops: number, name: NameAddress) {
    this.#hops = hops;
    this.#name = name;
  }

  ofWire(wire: Wire): TrackEnds {
    const asked = wire.to ?? { host: wire.host, port: wire.port };
    const to = this.#resolve(asked);
    const from = this.#source(wire.from, to, wire.hop === 1 ? undefined : this.#newest.get(wire.strand)?.sshd);
    this.#newest.set(wire.strand, { id: wire.id, sshd: to.host });
    const isName = isIP(plainHost(wire.host)) === 0;
    if (wire.observed && isName && !isLoopback(to.host)) this.#name({ address: to.host, name: wire.host });
    const place = this.#hops > 1 ? ` hop=${wire.hop}` : "";
    return commented(from, to, [
      `porthop session=${wire.id} leg=2${place} host=${wire.host}`,
      ...sourceNotes(wire.from, from),
      ...standsFor("to", asked, to),
      // Only a ProxyCommand itself knows where it connects, so `to` is what the user asked for.
      ...(wire.to === undefined ? ["to=asked"] : []),
    ]);
  }

  ofLeg(flow: Flow, leg: Leg): TrackEnds {
    const asked = leg.to ?? (leg.number === 3 ? flow.target : (flow.forward.listen ?? flow.origin));
    const to = this.#resolve(asked);
    const { session } = flow.legs[1];
    const isServers = leg.number === 3 && !dialsHere(flow.forward);
    const from = this.#source(leg.from, to, isServers ? this.#sshdOf(flow) : undefined);
    return commented(from, to, [
      `porthop flow=${flow.id} leg=${leg.number} forward=${flow.forward.id} target=${formatAddress(flow.target)}`,
      ...(session === undefined ? [] : [`session=${session}`]),
      ...sourceNotes(leg.from, from),
      ...standsFor("to", asked, to),
    ]);
  }

  #sshdOf(flow: Flow): string | undefined {
    const all = [...this.#newest.values()];
    return (all.find(({ id }) => id === flow.legs[1].session) ?? all.at(-1))?.sshd;
  }

  /** Returns an IP address for an end. Without a known one, makes up an address and names it in the file. */
  #resolve(address: Address): TcpAddress {
    const known = isUnix(address) ? undefined : plainHost(address.host);
    if (!isUnix(address) && known !== undefined && isIP(known) !== 0) return { host: known, port: address.port };
    const name = isUnix(address) ? address.path : address.host;
    const { host: stand, isNew } = this.#madeUp.addressOf(name);
    if (isNew) this.#name({ address: stand, name: visible(name, 255) });
    return { host: stand, port: isUnix(address) ? unixPort : address.port };
  }

  /** Returns the end that dialed. `dialer` is the host that dialed, for the case that `address` is unknown. */
  #source(address: Address | undefined, to: TcpAddress, dialer: string | undefined): TcpAddress {
    if (address === undefined) {
      const host = isLoopback(to.host) ? to.host : (dialer ?? strangerTo(to.host));
      return sameFamily({ host, port: this.#madeUp.port() }, to);
    }
    // A unix socket has no port, and neither has an unknown origin. Each such connection gets a port of its own, so
    // that readers can tell connections apart.
    const { host, port } = this.#resolve(address);
    return sameFamily({ host, port: isUnix(address) || port === 0 ? this.#madeUp.port() : port }, to);
  }
}

/** True when porthop itself dials the target, and not sshd. */
export function dialsHere({ side, kind }: Pick<ForwardInfo, "side" | "kind">): boolean {
  return side === "server" || kind === "relay";
}

function commented(from: TcpAddress, to: TcpAddress, notes: readonly string[]): TrackEnds {
  return { from, to, comment: visible(notes.join(" "), 1000) };
}

/** Both ends of a made-up connection must be of one address family. When they differ, `from` is replaced. */
function sameFamily(from: TcpAddress, to: TcpAddress): TcpAddress {
  return isIP(from.host) === isIP(to.host) ? from : { host: strangerTo(to.host), port: from.port };
}

function sourceNotes(address: Address | undefined, shown: TcpAddress): readonly string[] {
  return address === undefined ? ["source=invented"] : standsFor("from", address, shown);
}

/** A note for an end that is not shown with its own address. */
function standsFor(end: "from" | "to", address: Address, shown: TcpAddress): readonly string[] {
  const isOwn = !isUnix(address) && plainHost(address.host) === shown.host;
  return isOwn ? [] : [`${end}=made-up for ${formatAddress(address)}`];
}
