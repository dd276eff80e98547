/**
 * What is passed on the way to sshd: the hosts of -J or ProxyJump, or a ProxyCommand. As in ssh (readconf.c) the first
 * of these settings counts, also a `ProxyCommand none`. A `ProxyJump none` only rules out other ProxyJumps: a
 * ProxyCommand still counts.
 */

import type { Destination } from "../codec/words/destination.ts";
import { parseJumpList } from "../codec/words/jump-list.ts";
import type { Keywords } from "./file/keyword.ts";

export interface WaySettings {
  /** The hosts in the order of the way. Their tokens are not replaced yet. */
  readonly jumps: readonly Destination[];
  /** The tokens in the command are not replaced yet. */
  readonly proxyCommand: string | undefined;
}

export function readWay(keywords: Keywords): WaySettings {
  const jumps = keywords.text("ProxyJump");
  const command = keywords.text("ProxyCommand");
  const hosts = jumps !== undefined && keywords.isBefore("ProxyJump", "ProxyCommand") ? parseJumpList(jumps) : [];
  if (hosts.length > 0) return { jumps: hosts, proxyCommand: undefined };
  return { jumps: [], proxyCommand: command?.toLowerCase() === "none" ? undefined : command };
}
