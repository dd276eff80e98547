/**
 * The names of servers in the user's configuration: for a list that a person can choose from, and to tell a name with a
 * colon from a host and its port. Files and lines that cannot be read are left out here without a message.
 */
import { join } from "node:path";
import { type ConfigLine, parseConfigLine } from "../../codec/config/config-line.ts";
import { matchesPattern } from "../../codec/host-pattern.ts";
import { parseServerName } from "../../codec/host-port.ts";
import { Malformed } from "../../codec/malformed.ts";
import type { ConfigSources } from "./config-sources.ts";
import { fillHome } from "./config-tokens.ts";

export interface HostNames {
  /** Names that are no patterns, each once, in the order of the files. */
  readonly hosts: readonly string[];
  /** All words of all Host lines, with the patterns. */
  readonly patterns: readonly string[];
  /** All values of IgnoreUnknown, from all blocks. */
  readonly ignored: readonly string[];
}

const mostFiles = 200;

export function readHostNames(sources: ConfigSources): HostNames {
  const lines = linesOf(sources, [sources.userFile]);
  const patterns = lines.filter(({ keyword }) => /^host$/i.test(keyword)).flatMap((line) => line.arguments);
  const ignored = lines.filter(({ keyword }) => /^ignoreunknown$/i.test(keyword)).flatMap((line) => line.arguments);
  const hosts = patterns.filter((name) => !/[*?!]/.test(name) && canBeTyped(name));
  return { hosts: [...new Set(hosts)], patterns, ignored };
}

/**
 * True when a Host line names this host, or fits it with a pattern that has a colon too. `file` is the value of -F.
 */
export function hasHost(name: string, sources: ConfigSources, file?: string): boolean {
  const files = file === undefined ? [sources.userFile, sources.systemFile] : [file];
  const lines = linesOf(sources, file?.toLowerCase() === "none" ? [] : files);
  const patterns = lines.filter(({ keyword }) => /^host$/i.test(keyword)).flatMap((line) => line.arguments);
  return patterns.some((pattern) => pattern.includes(":") && matchesPattern(name, pattern));
}

function canBeTyped(name: string): boolean {
  return orNothing(() => parseServerName(name)) !== undefined;
}

function linesOf(sources: ConfigSources, files: readonly string[]): readonly ConfigLine[] {
  const seen = new Set<string>();
  const read = (path: string): readonly ConfigLine[] => {
    if (seen.has(path) || seen.size >= mostFiles) return [];
    seen.add(path);
    return textOf(path, sources)
      .split("\n")
      .flatMap((row) => {
        const line = lineOf(row);
        if (line === undefined) return [];
        if (!/^include$/i.test(line.keyword)) return [line];
        return line.arguments.flatMap((pattern) => pathsOf(pattern, sources)).flatMap(read);
      });
  };
  return files.flatMap(read);
}

function textOf(path: string, sources: ConfigSources): string {
  const text = orNothing(() => sources.read(path, true));
  return typeof text === "string" ? text : "";
}

function lineOf(row: string): ConfigLine | undefined {
  return orNothing(() => parseConfigLine(row));
}

function pathsOf(pattern: string, sources: ConfigSources): readonly string[] {
  const find = () => {
    const path = /^[/~]/.test(pattern) ? fillHome(pattern, sources.machine) : join(sources.userFolder, pattern);
    return sources.paths(path);
  };
  return orNothing(find) ?? [];
}

function orNothing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    return undefined;
  }
}
