/**
 * A description as keywords: each flag becomes the lines of ssh_config with an equal meaning (ssh-flags.ts). Code that
 * acts on a setting then asks for one keyword, whether a flag, an -o or a file has set that keyword.
 */

import { printJumps } from "../tunnel/ssh-command.ts";
import { flagKeywords } from "../tunnel/ssh-flags.ts";
import { hasFlag, type Relay, type SshTunnel } from "../tunnel/tunnel-description.ts";
import { defaults } from "./defaults.ts";
import { addOption, noteTyped } from "./file/config-value.ts";
import { findKeyword } from "./file/keyword.ts";
import { printKeywordLine } from "./file/keyword-line.ts";
import { Keywords } from "./file/keyword-record.ts";
import { findOther } from "./file/other-keywords.ts";

/**
 * The keywords of flags, route and -o settings. Forwards stay in the description. Keywords that
 * porthop does not know are left out.
 */
export function keywordsOf(description: SshTunnel | Relay): Keywords {
  const keywords = new Keywords();
  // A flag wins over an -o (ssh.c, main), so flags come first: the first value of a keyword stays.
  for (const { name, value } of flagKeywords(description.flags.filter(({ letter }) => letter !== "M"))) {
    const keyword = findKeyword(name);
    const other = findOther(name);
    if (keyword !== undefined) keywords.put(keyword, value);
    else if (other !== undefined) noteTyped(keywords, other, value);
  }
  if (description.via === "ssh") addRoute(keywords, description);
  for (const line of description.keywords) {
    if (isKnown(line.name)) addOption(keywords, printKeywordLine(line));
  }
  if (!/^(?:no|false)$/i.test(keywords.text("AddKeysToAgent") ?? defaults.addKeysToAgent)) {
    keywords.remarks.push("porthop does not have AddKeysToAgent: no key is added to the agent (ssh-add adds one)");
  }
  if (hasFlag(description, "y")) keywords.remarks.push("-y: what porthop says goes to stderr, or into the file of -E");
  return keywords;
}

function isKnown(name: string): boolean {
  return findKeyword(name) !== undefined || findOther(name) !== undefined;
}

function addRoute(keywords: Keywords, { user, port, jumps, identities }: SshTunnel): void {
  if (user !== undefined) keywords.add("User", user);
  if (port !== undefined) keywords.add("Port", String(port));
  if (jumps !== undefined) keywords.add("ProxyJump", printJumps(jumps));
  for (const { file, by } of identities) {
    if (by === "keyword") addOption(keywords, printKeywordLine({ name: "IdentityFile", value: file }));
  }
}
