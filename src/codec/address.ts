/**
 * Where a connection starts or ends: a TCP host and port, or the path of a unix socket.
 * Printing puts IPv6 in brackets (RFC 3986, section 3.2.2), so that printed text parses back to an equal address.
 */
import { isIP } from "node:net";

export interface TcpAddress {
  /** An IP address, a host name, or `*` for all interfaces. Never in brackets. */
  readonly host: string;
  readonly port: number;
}

export interface UnixAddress {
  readonly path: string;
}

export type Address = TcpAddress | UnixAddress;

/** `127.0.0.1:80`, `[::1]:80`, `db.internal:5432`, `*:80` or `/run/db.sock`. */
export function formatAddress(address: Address): string {
  if (isUnix(address)) return address.path;
  return `${formatHost(address.host)}:${address.port}`;
}

/** The host as printed text has it before a port: an IPv6 address in brackets, any other host unchanged. */
export function formatHost(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

export function isUnix(address: Address): address is UnixAddress {
  return "path" in address;
}

/** Takes the IPv4 address out of `::ffff:10.0.0.1`, as the kernel reports it. Any other host stays unchanged. */
export function plainHost(host: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(host);
  if (mapped?.[1] !== undefined && isIP(mapped[1]) === 4) return mapped[1];
  return host;
}

export function isLoopback(host: string): boolean {
  const plain = plainHost(host);
  return plain === "localhost" || plain === "::1" || (isIP(plain) === 4 && plain.startsWith("127."));
}
