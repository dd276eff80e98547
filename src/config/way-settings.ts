/**
 * What is passed on the way to sshd: the hosts of -J or ProxyJump, or a ProxyCommand. As in ssh (readconf.c) the first
 * that is given decides, a `ProxyCommand none` too; a `ProxyJump none` only rules out what other ProxyJumps say.
 */

import type { Destination } from "../codec/words/destination.ts";
import { parseJumpList } from "../codec/words/jump-list.ts";
import type { Keywords } from "./file/keyword.ts";

export interface WaySettings {
  /** In the order in which they are passed. Tokens in them are not filled in yet. */
  readonly jumps: readonly Destination[];
  /** Tokens in it are not filled in yet. */
  readonly proxyCommand: string | undefined;
}

export function readWay(keywords: Keywords): WaySettings {
  const jumps = keywords.text("ProxyJump");
  const command = keywords.text("ProxyCommand");
  const hosts = jumps !== undefined && keywords.isBefore("ProxyJump", "ProxyCommand") ? parseJumpList(jumps) : [];
  if (hosts.length > 0) return { jumps: hosts, proxyCommand: undefined };
  return { jumps: [], proxyCommand: command?.toLowerCase() === "none" ? undefined : command };
}
