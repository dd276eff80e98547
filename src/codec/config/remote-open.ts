/**
 * PermitRemoteOpen (ssh_config(5)): which targets the server's side may ask a reverse dynamic forward for. As in
 * OpenSSH (channels.c, open_match), no name is looked up: a rule for a name does not match the address of that name.
 */

import { visible } from "../../text/terminal-text.ts";
import type { TcpAddress } from "../address.ts";
import { parseHost, splitHostPort } from "../host-port.ts";
import { ipBytes } from "../ip-bytes.ts";
import { Malformed } from "../malformed.ts";
import { parseServicePort } from "../service-port.ts";

interface OpenRule {
  /** Undefined means any, for the port too. */
  readonly host: string | undefined;
  readonly port: number | undefined;
}

export interface RemoteOpenRules {
  permits(target: TcpAddress): boolean;
}

/** The words of the setting: `any` or `none` alone, or `host:port`, `[v6]:port` with `*` for any host or port. */
export function parseRemoteOpen(words: readonly string[]): RemoteOpenRules {
  const first = words[0]?.toLowerCase();
  if (first === undefined) throw new Malformed("PermitRemoteOpen has no value");
  if (words.length === 1 && first === "any") return { permits: () => true };
  if (words.length === 1 && first === "none") return { permits: () => false };
  const rules = words.map(parseRule);
  return { permits: (target) => rules.some((rule) => matches(rule, target)) };
}

function parseRule(word: string): OpenRule {
  try {
    const { host, port } = splitHostPort(word);
    return {
      host: host === "*" ? undefined : parseHost(host),
      port: port === "*" ? undefined : parseServicePort(port),
    };
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    throw new Malformed(`PermitRemoteOpen ${visible(word, 80)}: ${error.message}`);
  }
}

function matches({ host, port }: OpenRule, target: TcpAddress): boolean {
  if (port !== undefined && port !== target.port) return false;
  return host === undefined || isSameHost(host, target.host);
}

/** Upper and lower case are equal in names (RFC 4343), and one IPv6 address can be written in many ways. */
function isSameHost(host: string, other: string): boolean {
  const bytes = ipBytes(host);
  const others = ipBytes(other);
  if (bytes === undefined || others === undefined) return host.toLowerCase() === other.toLowerCase();
  return bytes.length === others.length && bytes.every((byte, index) => byte === others[index]);
}
