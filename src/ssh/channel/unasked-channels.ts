/**
 * Warns once about channels that the server opens without having been asked. These channels are refused, and a person
 * who connects on the server's side cannot see why. ssh warns too (clientloop.c, client_input_channel_open).
 */
import { type Address, formatAddress, isUnix } from "../../codec/address.ts";
import { visible } from "../../text/terminal-text.ts";
import type { OpenedChannel } from "../ssh2/channel-opening.ts";
import type { Ports } from "../ssh2/ports.ts";

/**
 * Every address on which the server was ever asked to listen, also after the listening ended. A late connection to one
 * of them is normal.
 */
export class AskedAddresses {
  readonly #asked = new Map<string, { readonly address: Address; readonly forward: string | undefined }>();

  add(address: Address, forward: string | undefined): void {
    this.#asked.set(keyOf(address), { address, forward });
  }

  has(address: Address): boolean {
    return this.#asked.has(keyOf(address));
  }

  /** The forwards that were most likely meant, in words. Empty when no forward has the same kind of address. */
  like(address: Address): string {
    const all = [...this.#asked.values()].filter((asked) => isUnix(asked.address) === isUnix(address));
    const near = all.filter((asked) => portOf(asked.address) === portOf(address));
    return (near.length > 0 ? near : all)
      .slice(0, mostNamed)
      .map((asked) => `${asked.forward ?? "one"} asked for ${nameOf(asked.address)}`)
      .join(", ");
  }
}

/** A key with the kind of address in front, because a server may send a path as the name of a TCP host. */
export function keyOf(address: Address): string {
  return `${isUnix(address) ? "unix" : "tcp"} ${formatAddress(address)}`;
}

/** Watches each channel that the server opens, and changes nothing. `server` is the server's name for people. */
export function tellUnasked(
  ports: Pick<Ports, "watchChannelOpens">,
  asked: AskedAddresses,
  server: string,
  warn: (text: string) => void,
): void {
  const strays = new Set<string>();
  const sides = new Set<string>();
  ports.watchChannelOpens(({ type, data, isWanted }) => {
    const address = listenedOn(type, data);
    const side = sideNames.get(type);
    if (address !== undefined && !asked.has(address) && isNew(strays, keyOf(address), mostTold + 1)) {
      const isLast = strays.size > mostTold;
      warn(isLast ? `${server} has more that no forward asked for: not told` : strayText(server, address, asked));
    }
    // When the user forwards X11 or the agent, these channels are wanted.
    if (side !== undefined && !isWanted && isNew(sides, side, sideNames.size)) {
      warn(
        `${server} tried ${side}, which it was not asked for: refused; this is probably an attack by a malicious server`,
      );
    }
  });
}

/** Adds `what` to the set. False when `what` is in the set already, or when the set has `most` entries. */
function isNew(told: Set<string>, what: string, most: number): boolean {
  if (told.has(what) || told.size >= most) return false;
  told.add(what);
  return true;
}

/** Some servers have one or two odd names for an address. A hostile server must not fill the screen. */
const mostTold = 4;
const mostNamed = 3;

const sideNames: ReadonlyMap<string, string> = new Map([
  ["x11", "X11 forwarding"],
  ["auth-agent@openssh.com", "agent forwarding"],
]);

function portOf(address: Address): number | undefined {
  return isUnix(address) ? undefined : address.port;
}

/** The listener's address that the server names; undefined for channels of other types. */
function listenedOn(type: string, data: OpenedChannel["data"]): Address | undefined {
  if (type === "forwarded-tcpip") return { host: data.destIP ?? "", port: data.destPort ?? 0 };
  return type === "forwarded-streamlocal@openssh.com" ? { path: data.socketPath ?? "" } : undefined;
}

function strayText(server: string, address: Address, asked: AskedAddresses): string {
  const meant = asked.like(address);
  const instead = meant === "" ? "" : `; ${visible(meant, 200)}`;
  return `${server} has a connection for ${visible(nameOf(address), 200)}, which no forward asked for: refused${instead}`;
}

/** An empty host means all addresses. */
function nameOf(address: Address): string {
  return formatAddress(isUnix(address) || address.host !== "" ? address : { ...address, host: "*" });
}
