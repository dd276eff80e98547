/**
 * IP addresses as they stand in packets: 4 or 16 bytes in network order.
 * An IPv4 address inside IPv6 (`::ffff:10.0.0.1`) comes out as IPv4, because the packets on the wire are IPv4.
 */
import { isIP } from "node:net";

/**
 * Undefined for a host that is not an IP address, such as a
 * name. A zone (`fe80::1%eth0`) is dropped: packets have none.
 */
export function ipBytes(host: string): Uint8Array | undefined {
  const family = isIP(host);
  if (family === 4) return ipv4Bytes(host);
  if (family !== 6) return undefined;
  const bytes = ipv6Bytes(host.split("%", 1)[0] ?? host);
  return isMapped(bytes) ? bytes.slice(12) : bytes;
}

/**
 * Compares bytes, because one address has several spellings: `::1` and `0:0:0:0:0:0:0:1`, `10.0.0.1` and
 * `::ffff:10.0.0.1`. A name is the same as nothing.
 */
export function isSameAddress(one: string, other: string): boolean {
  const bytes = ipBytes(one);
  return bytes !== undefined && bytes.join() === ipBytes(other)?.join();
}

/** 4 or 16 bytes as text, IPv6 in the shortest way (RFC 5952, section 4). */
export function ipText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from({ length: 8 }, (_, index) => (bytes[2 * index] ?? 0) * 256 + (bytes[2 * index + 1] ?? 0));
  const text = groups.map((group) => group.toString(16));
  const { start, length } = longestZeros(groups);
  if (length < 2) return text.join(":");
  return `${text.slice(0, start).join(":")}::${text.slice(start + length).join(":")}`;
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

/** The first of the longest runs of zero groups. */
function longestZeros(groups: readonly number[]): { start: number; length: number } {
  let longest = { start: 0, length: 0 };
  let start = 0;
  for (const [index, group] of groups.entries()) {
    if (group !== 0) start = index + 1;
    else if (index + 1 - start > longest.length) longest = { start, length: index + 1 - start };
  }
  return longest;
}
