/**
 * Says once what a server opens that nobody asked it for. Such channels are refused without a word to anybody, so whoever
 * connects on the server's side is turned away for no reason to be seen; ssh warns (clientloop.c, client_input_channel_open).
 */
import { type Address, formatAddress, isUnix } from "../../codec/address.ts";
import { visible } from "../../text/terminal-text.ts";
import type { OpenedChannel } from "../ssh2/channel-opening.ts";
import type { Ports } from "../ssh2/ports.ts";

/** Where the server was asked to listen, whether or not it still is: what comes late is nothing to wonder about. */
export class AskedAddresses {
  readonly #asked = new Map<string, { readonly address: Address; readonly forward: string | undefined }>();

  add(address: Address, forward: string | undefined): void {
    this.#asked.set(keyOf(address), { address, forward });
  }

  has(address: Address): boolean {
    return this.#asked.has(keyOf(address));
  }

  /** The forwards that were most likely meant, in words; empty when there is none of the kind. */
  like(address: Address): string {
    const all = [...this.#asked.values()].filter((asked) => isUnix(asked.address) === isUnix(address));
    const near = all.filter((asked) => portOf(asked.address) === portOf(address));
    return (near.length > 0 ? near : all)
      .slice(0, mostNamed)
      .map((asked) => `${asked.forward ?? "one"} asked for ${nameOf(asked.address)}`)
      .join(", ");
  }
}

/** Told apart by kind: a server may call a TCP host whatever it likes. */
export function keyOf(address: Address): string {
  return `${isUnix(address) ? "unix" : "tcp"} ${formatAddress(address)}`;
}

/** Looks at each channel that the server opens, and changes nothing. `server` is its name for people. */
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
    // Where X11 or the agent is forwarded, somebody wants their channels.
    if (side !== undefined && !isWanted && isNew(sides, side, sideNames.size)) {
      warn(
        `${server} tried ${side}, which it was not asked for: refused; this is probably an attack by a malicious server`,
      );
    }
  });
}

/** Adds it to what was told, unless that is as much as there may be. */
function isNew(told: Set<string>, what: string, most: number): boolean {
  if (told.has(what) || told.size >= most) return false;
  told.add(what);
  return true;
}

/** Servers have one odd name for an address, or two; a hostile one must not fill the screen. */
const mostTold = 4;
const mostNamed = 3;

const sideNames: ReadonlyMap<string, string> = new Map([
  ["x11", "X11 forwarding"],
  ["auth-agent@openssh.com", "agent forwarding"],
]);

function portOf(address: Address): number | undefined {
  return isUnix(address) ? undefined : address.port;
}

/** Where the server says that somebody has connected; undefined for channels of other types. */
function listenedOn(type: string, data: OpenedChannel["data"]): Address | undefined {
  if (type === "forwarded-tcpip") return { host: data.destIP ?? "", port: data.destPort ?? 0 };
  return type === "forwarded-streamlocal@openssh.com" ? { path: data.socketPath ?? "" } : undefined;
}

function strayText(server: string, address: Address, asked: AskedAddresses): string {
  const meant = asked.like(address);
  const instead = meant === "" ? "" : `; ${visible(meant, 200)}`;
  return `${server} has a connection for ${visible(nameOf(address), 200)}, which no forward asked for: refused${instead}`;
}

/** Without a host it is all addresses. */
function nameOf(address: Address): string {
  return formatAddress(isUnix(address) || address.host !== "" ? address : { ...address, host: "*" });
}
