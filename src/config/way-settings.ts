/**
 * What is passed on the way to sshd: the hosts of -J or ProxyJump, or a ProxyCommand. As in ssh (readconf.c) the first
 * that is given decides, a `ProxyCommand none` too; a `ProxyJump none` only rules out what other ProxyJumps say.
 */

import { Malformed } from "../codec/malformed.ts";
import type { Destination } from "../codec/words/destination.ts";
import { parseJumpList } from "../codec/words/jump-list.ts";
import { visible } from "../text/terminal-text.ts";
import type { Keywords } from "./file/keyword.ts";
import { named } from "./given.ts";

export interface WaySettings {
  /** In the order in which they are passed. Tokens in them are not filled in yet. */
  readonly jumps: readonly Destination[];
  /** Tokens in it are not filled in yet. */
  readonly proxyCommand: string | undefined;
}

/** `-J text`, which as in ssh (ssh.c, main) stands alone. */
export function addJumps(keywords: Keywords, text: string): void {
  if (keywords.text("ProxyJump") !== undefined) {
    throw new Malformed(`-J ${visible(text, 100)}: jump hosts were named already: all go into one, -J first,second`);
  }
  if (keywords.text("ProxyCommand") !== undefined) {
    throw new Malformed(`-J ${visible(text, 100)} cannot go with a ProxyCommand`);
  }
  named(`-J ${text}`, () => keywords.add("ProxyJump", text));
}

export function readWay(keywords: Keywords): WaySettings {
  const jumps = keywords.text("ProxyJump");
  const command = keywords.text("ProxyCommand");
  const hosts = jumps !== undefined && keywords.isBefore("ProxyJump", "ProxyCommand") ? parseJumpList(jumps) : [];
  if (hosts.length > 0) return { jumps: hosts, proxyCommand: undefined };
  return { jumps: [], proxyCommand: command?.toLowerCase() === "none" ? undefined : command };
}
