/**
 * The usual form of an IP address that is written in another one: `127.1`, `0x7f.1`, `2001:DB8:0::1`. Host keys are
 * looked up by this form (ssh.c, resolve_canonicalize), and the system's resolver takes the others too.
 */
import { isIP } from "node:net";
import { ipBytes, ipText } from "./ip-bytes.ts";

/** Undefined for a name, and for an address that stays as it is: one with a zone, or IPv4 inside IPv6. */
export function usualAddress(text: string): string | undefined {
  const bytes = isIP(text) === 6 ? ipBytes(text) : undefined;
  if (bytes !== undefined) return bytes.length === 16 && !text.includes("%") ? ipText(bytes) : undefined;
  return ipv4(text);
}

/** As inet_aton(3): one to four numbers, decimal, octal or hexadecimal, of which the last fills the bytes that are left. */
function ipv4(text: string): string | undefined {
  if (!/^(?:0x[0-9a-f]{1,8}|\d{1,12})(?:\.(?:0x[0-9a-f]{1,8}|\d{1,12})){0,3}$/i.test(text)) return undefined;
  const numbers = text.split(".").map(numberIn);
  const last = numbers.pop() ?? Number.NaN;
  const left = 4 - numbers.length;
  if (!numbers.every((number) => number <= 255) || !(last < 256 ** left)) return undefined;
  const tail = Array.from({ length: left }, (_, index) => Math.floor(last / 256 ** (left - 1 - index)) % 256);
  return [...numbers, ...tail].join(".");
}

function numberIn(text: string): number {
  if (/^0x/i.test(text)) return Number.parseInt(text, 16);
  if (!/^0\d/.test(text)) return Number(text);
  return /[89]/.test(text) ? Number.NaN : Number.parseInt(text, 8);
}
