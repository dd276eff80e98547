/**
 * Networks as people write them (`10.0.0.0/8`, `fd00::/8`, `192.0.2.7`), and whether an address lies in one.
 * An IPv4 address written inside IPv6 (`::ffff:10.0.0.1`) counts as IPv4: two spellings of one rule mean one network.
 */
import { isIP } from "node:net";
import { quoted } from "../text/terminal-text.ts";
import { ipBytes, ipText } from "./ip-bytes.ts";
import { Malformed } from "./malformed.ts";

export interface Network {
  /** 4 or 16 bytes; all bits after the prefix are 0. */
  readonly bytes: Uint8Array;
  readonly prefixBits: number;
}

/** One network, or several with commas between them. Throws Malformed. */
export function parseNetworks(text: string): readonly Network[] {
  return text.split(",").map(parseNetwork);
}

export function parseNetwork(text: string): Network {
  const { host, prefix } = halves(text.trim());
  // A zone (fe80::1%eth0) names a link. A client's address does not always have a zone, so a network has none.
  const written = host.includes("%") ? undefined : ipBytes(host);
  if (written === undefined) {
    throw new Malformed(`${quoted(text)} is no network: 10.0.0.0/8, fd00::/8 or one IP address, separated by commas`);
  }
  // Behind an IPv4 address inside IPv6 (::ffff:10.0.0.0/104) the prefix counts the 96 bits in front too.
  const insideBits = isIP(host) === 6 && written.length === 4 ? 96 : 0;
  const mostBits = written.length * 8;
  const bits = prefix === undefined ? mostBits : prefixOf(text, prefix, insideBits, mostBits + insideBits) - insideBits;
  const bytes = masked(written, bits);
  if (bytes.some((byte, index) => byte !== written[index])) {
    const meant = `${ipText(bytes)}/${bits} or ${ipText(written)}`;
    throw new Malformed(`${quoted(text)} has bits beyond its prefix: ${meant} is meant`);
  }
  return { bytes, prefixBits: bits };
}

/** False for whatever is not an IP address. */
export function isWithin(host: string, networks: readonly Network[]): boolean {
  const address = ipBytes(host);
  return address !== undefined && networks.some((network) => holds(network, address));
}

function halves(text: string): { readonly host: string; readonly prefix: string | undefined } {
  const slash = text.indexOf("/");
  const host = slash === -1 ? text : text.slice(0, slash);
  const inside = host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
  return { host: inside, prefix: slash === -1 ? undefined : text.slice(slash + 1) };
}

function prefixOf(text: string, prefix: string, least: number, most: number): number {
  const bits = /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN;
  if (bits >= least && bits <= most) return bits;
  throw new Malformed(`${quoted(text)}: the prefix after "/" is a number from ${least} to ${most}`);
}

function masked(bytes: Uint8Array, prefixBits: number): Uint8Array {
  return bytes.map((byte, index) => {
    const bits = Math.max(0, Math.min(8, prefixBits - 8 * index));
    return byte & (0xff00 >>> bits);
  });
}

function holds({ bytes, prefixBits }: Network, address: Uint8Array): boolean {
  if (address.length !== bytes.length) return false;
  const start = masked(address, prefixBits);
  return bytes.every((byte, index) => byte === start[index]);
}
