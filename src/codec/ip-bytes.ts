/**
 * IP addresses as they stand in packets: 4 or 16 bytes in network order.
 * An IPv4 address inside IPv6 (`::ffff:10.0.0.1`) comes out as IPv4, for that is what was on the wire.
 */
import { isIP } from "node:net";

/** Undefined for whatever is not an IP address, names included. A zone (`fe80::1%eth0`) is left out: packets have none. */
export function ipBytes(host: string): Uint8Array | undefined {
  const family = isIP(host);
  if (family === 4) return ipv4Bytes(host);
  if (family !== 6) return undefined;
  const bytes = ipv6Bytes(host.split("%", 1)[0] ?? host);
  return isMapped(bytes) ? bytes.slice(12) : bytes;
}

function ipv4Bytes(host: string): Uint8Array {
  return Uint8Array.from(host.split("."), Number);
}

function ipv6Bytes(host: string): Uint8Array {
  const [before = "", after] = host.split("::", 2);
  const bytes = new Uint8Array(16);
  bytes.set(groupBytes(before), 0);
  if (after !== undefined) {
    const end = groupBytes(after);
    bytes.set(end, 16 - end.length);
  }
  return bytes;
}

/** The groups on one side of `::`; the last one may be written as IPv4 (RFC 4291, section 2.2). */
function groupBytes(text: string): number[] {
  if (text === "") return [];
  return text.split(":").flatMap((group) => {
    if (group.includes(".")) return [...ipv4Bytes(group)];
    const value = Number.parseInt(group, 16);
    return [value >>> 8, value & 0xff];
  });
}

function isMapped(bytes: Uint8Array): boolean {
  return bytes[10] === 0xff && bytes[11] === 0xff && bytes.subarray(0, 10).every((byte) => byte === 0);
}
