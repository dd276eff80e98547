/**
 * The text after -J or ProxyJump: `[user@]host[:port]` or `ssh://` URIs, separated by commas, in the order in which the
 * hosts are passed; `none` is no jump host at all (OpenSSH's readconf.c, parse_jump).
 */

import { quoted } from "../../text/terminal-text.ts";
import { Malformed } from "../malformed.ts";
import { parseServicePort } from "../service-port.ts";
import { type Destination, parseDestination } from "./destination.ts";

/** Each jump host costs one more session inside a session. No real way to a server has so many. */
const mostHosts = 16;

export function parseJumpList(text: string): readonly Destination[] {
  if (text.toLowerCase() === "none") return [];
  const parts = text.split(",", mostHosts + 1);
  if (parts.length > mostHosts) throw new Malformed(`more than ${mostHosts} jump hosts`);
  return parts.map((part) => {
    if (part === "")
      throw new Malformed(text === "" ? "the jump host is missing" : `${quoted(text)} has an empty host`);
    return parseDestination(asDestination(part));
  });
}

/**
 * Unlike in a destination, ssh takes the name of a service as the port (`gate:ssh`), and takes `gate:` for `gate`
 * (misc.c, parse_user_host_port).
 */
function asDestination(part: string): string {
  const host = part.slice(part.lastIndexOf("@") + 1);
  if (/^[^:]+:$|\]:$/.test(host)) return part.slice(0, -1);
  const colon = part.lastIndexOf(":");
  const [place, service] = [part.slice(0, colon), part.slice(colon + 1)];
  // Two colons without brackets are an address, and a "/" is a URI.
  const isPort = colon > 0 && /^[^:@[\]/]+$/.test(service) && (place.endsWith("]") || !place.includes(":"));
  return isPort && !/^\d+$/.test(service) ? `${place}:${parseServicePort(service)}` : part;
}
