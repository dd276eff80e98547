/**
 * A tunnel as lines for the end of ~/.ssh/config: a Host block that needs no other block. When the tunnel uses an
 * alias, the alias's settings are written out, because one block cannot refer to another. porthop's own settings are
 * written only when ssh ignores them.
 */
import { resolve } from "node:path";
import { quoteArgument } from "../codec/config/config-line.ts";
import { matchPatterns } from "../codec/host-pattern.ts";
import { Malformed } from "../codec/malformed.ts";
import type { ConfigSources } from "../config/file/config-sources.ts";
import type { HostNames } from "../config/file/host-names.ts";
import { settingLine } from "../config/file/porthop-keywords.ts";
import { knownLogin } from "../config/known-login.ts";
import { spelledOut } from "../config/resolved-tunnel.ts";
import { quoted } from "../text/terminal-text.ts";
import { sshConfigBlock } from "../tunnel/ssh-config-block.ts";
import type { Extra, SshTunnel } from "../tunnel/tunnel-description.ts";

/** Throws Malformed when no new Host can have this name. */
export function checkHostName(name: string, { patterns }: HostNames): void {
  if (!/^[A-Za-z0-9._-]+$/.test(name) || name.startsWith("-")) {
    throw new Malformed("letters, digits, dots, dashes and underscores, and no dash in front");
  }
  const isThere = patterns.some((pattern) => pattern.toLowerCase() === name.toLowerCase());
  if (isThere) throw new Malformed(`there is a Host ${quoted(name)} already: another name, please`);
}

/**
 * Throws Malformed or PorthopError when the present configuration cannot be read. `folder` is the folder at which
 * relative file names of the tunnel start; in ~/.ssh/config such a name would start at ~/.ssh.
 */
export function savedHostLines(
  tunnel: SshTunnel,
  name: string,
  names: HostNames,
  sources: ConfigSources,
  folder: string,
): readonly string[] {
  const own = porthopLines(tunnel.extras, folder);
  const isIgnored = names.ignored.every((list) =>
    own.every((line) => matchPatterns(keywordOf(line), lowerList(list)) === "matched"),
  );
  const block = sshConfigBlock(spelledOut(tunnel, name, sources), name);
  if (own.length === 0) return block;
  if (!isIgnored) {
    // Only the first IgnoreUnknown counts. With another one before, ssh would fail at these lines for every host, so
    // the lines are comments.
    return [...block, "    # Only porthop reads these, once IgnoreUnknown has Porthop* too:", ...own.map(commented)];
  }
  // ssh checks the keywords of all blocks, even of blocks that do not apply. So IgnoreUnknown has to stand in a block
  // for all hosts.
  return ["Host *", "    IgnoreUnknown Porthop*", "", ...block, ...own.map((line) => `    ${line}`)];
}

/**
 * The text to add. `isEmpty` and `endsInLine` tell about the file: whether it is empty, and whether it ends with a line
 * feed.
 */
export function appendix(lines: readonly string[], isEmpty: boolean, endsInLine: boolean): string {
  const before = isEmpty ? "" : endsInLine ? "\n" : "\n\n";
  return `${before}${lines.join("\n")}\n`;
}

/**
 * Why `ssh NAME` would not reach the same server; empty when it would. Of two lines the first counts, and the new block
 * stands last. `before` reads the present files, `after` the files with the new block.
 */
export function disagreement(tunnel: SshTunnel, name: string, before: ConfigSources, after: ConfigSources): string[] {
  const wanted = knownLogin(tunnel.host, before);
  const found = knownLogin(name, after);
  const values = [
    ["HostName", wanted.host, found.host],
    ["User", tunnel.user ?? wanted.user, found.user],
    ["Port", tunnel.port ?? wanted.port, found.port],
  ] as const;
  return values.flatMap(([keyword, value, said]) => {
    if (said === undefined || said === value) return [];
    const meant = quoted(String(value ?? "the usual one"));
    return [`${keyword} would be ${quoted(String(said))}, from a line further up, and not ${meant}`];
  });
}

function porthopLines(extras: readonly Extra[], folder: string): readonly string[] {
  return extras.flatMap(({ name, value }) => {
    if (value === undefined) return [];
    const setting = settingLine(name, value, (file) => (file === "-" ? file : resolve(folder, file)));
    return setting === undefined ? [] : [`${setting.name} ${quoteArgument(setting.value)}`];
  });
}

function keywordOf(line: string): string {
  return line.replace(/ .*/, "").toLowerCase();
}

function commented(text: string): string {
  return `    # ${text}`;
}

function lowerList(list: string): readonly string[] {
  return list.toLowerCase().split(",");
}
