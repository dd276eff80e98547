/**
 * What is passed on the way to sshd: the hosts of -J or ProxyJump, or a ProxyCommand. As in ssh (readconf.c) the first
 * of these settings counts, also when it says none. Until OpenSSH 9 a ProxyCommand still counted after `ProxyJump none`.
 */

import type { Destination } from "../codec/words/destination.ts";
import { parseJumpList } from "../codec/words/jump-list.ts";
import type { Keywords } from "./file/keyword-record.ts";

export interface WaySettings {
  /** The hosts in the order of the way. Their tokens are not replaced yet. */
  readonly jumps: readonly Destination[];
  /** The tokens in the command are not replaced yet. */
  readonly proxyCommand: string | undefined;
}

export function readWay(keywords: Keywords): WaySettings {
  const jumps = keywords.text("ProxyJump");
  if (jumps !== undefined && keywords.isBefore("ProxyJump", "ProxyCommand")) {
    return { jumps: parseJumpList(jumps), proxyCommand: undefined };
  }
  const command = keywords.text("ProxyCommand");
  return { jumps: [], proxyCommand: command?.toLowerCase() === "none" ? undefined : command };
}
