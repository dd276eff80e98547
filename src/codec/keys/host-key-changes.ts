/**
 * What a server's list of its own host keys changes in known_hosts (OpenSSH's clientloop.c, hostkeys_find): which keys are
 * new, which lines name keys that it has no more, and what forbids to touch the files at all.
 */
import { isIP } from "node:net";
import { type KnownHost, type KnownHosts, matchesHost } from "./known-hosts.ts";

export interface HostKeyChanges {
  readonly fresh: readonly Buffer[];
  /** Lines of keys that the server has no more. `file` is the number of the file, counted from 0. */
  readonly obsolete: readonly { readonly file: number; readonly entry: KnownHost }[];
  /** Why nothing is to be changed. */
  readonly obstacle: string | undefined;
}

/** `types` are those that can be judged: a line of any other stays, whatever the server says. */
export function hostKeyChanges(
  files: readonly KnownHosts[],
  name: string,
  keys: readonly Buffer[],
  types: readonly string[],
): HostKeyChanges {
  const all = files.flatMap(({ entries }, file) =>
    entries.map((entry) => ({ file, entry, speaks: matchesHost(entry, name) })),
  );
  const own = all.filter(({ speaks }) => speaks);
  const others = all.filter(({ speaks }) => !speaks).map(({ entry }) => entry);
  const offered = (blob: Buffer) => keys.some((key) => key.equals(blob));
  const obsolete = own.filter(({ entry }) => types.includes(entry.type) && !offered(entry.blob));
  const fresh = keys.filter((key) => !own.some(({ entry }) => entry.blob.equals(key)));
  const obstacle = own.some(({ entry }) => entry.marker !== undefined)
    ? "an authority or a revoked key is named for it"
    : own.some(({ entry }) => isComplex(entry.hosts))
      ? "a line of it speaks of several hosts"
      : others.some(({ blob }) => offered(blob))
        ? "its keys are known under other names too"
        : obsolete.some(({ entry }) => others.some(({ blob }) => blob.equals(entry.blob)))
          ? "its old keys are known under other names too"
          : undefined;
  return { fresh, obsolete, obstacle };
}

/** More than a name, or a name and its address. */
function isComplex(hosts: string): boolean {
  if (hosts.startsWith("|")) return false;
  if (/[*?!]/.test(hosts)) return true;
  const [, second, ...more] = hosts.split(",");
  return second !== undefined && (more.length > 0 || isIP(bareHost(second)) === 0);
}

function bareHost(name: string): string {
  return /^\[(.*)\]:\d+$/.exec(name)?.[1] ?? name;
}

/** The text without these lines (counted from 1) and with these at its end; every other byte stays as it is. */
export function editLines(text: Uint8Array, remove: ReadonlySet<number>, add: readonly string[]): Buffer {
  // One character for each byte, so that what is no UTF-8 comes out as it went in.
  const lines = Buffer.from(text).toString("latin1").split("\n");
  const kept = lines.filter((_line, index) => !remove.has(index + 1));
  if (add.length === 0) return Buffer.from(kept.join("\n"), "latin1");
  if (kept.at(-1) === "") kept.pop();
  return Buffer.from([...kept, ...add.map((line) => Buffer.from(line).toString("latin1")), ""].join("\n"), "latin1");
}
