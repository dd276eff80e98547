/**
 * Compares a server's own list of its host keys with known_hosts (OpenSSH's clientloop.c, hostkeys_find): which keys
 * are new, which lines name keys that the server does not have any more, and why the files must not be changed at all.
 */
import { isIP } from "node:net";
import { type KnownHost, type KnownHosts, matchesHost } from "./known-hosts.ts";

export interface HostKeyChanges {
  readonly fresh: readonly Buffer[];
  /** Lines of keys that the server does not have any more. `file` is the number of the file, counted from 0. */
  readonly obsolete: readonly { readonly file: number; readonly entry: KnownHost }[];
  /** Why the files must not be changed; undefined when they may. */
  readonly obstacle: string | undefined;
}

/** `types`: the key types that the caller can judge. A line with a key of another type stays in its file. */
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

/** Whether a line names more hosts than one name, or one name and its address. */
function isComplex(hosts: string): boolean {
  if (hosts.startsWith("|")) return false;
  if (/[*?!]/.test(hosts)) return true;
  const [, second, ...more] = hosts.split(",");
  return second !== undefined && (more.length > 0 || isIP(bareHost(second)) === 0);
}

function bareHost(name: string): string {
  return /^\[(.*)\]:\d+$/.exec(name)?.[1] ?? name;
}

/**
 * The text without the lines `remove` (counted from 1) and with
 * the lines `add` at its end; all other lines stay unchanged.
 */
export function editLines(text: Uint8Array, remove: ReadonlySet<number>, add: readonly string[]): Buffer {
  // latin1 makes one character of each byte, so that bytes that are not UTF-8 stay unchanged.
  const lines = Buffer.from(text).toString("latin1").split("\n");
  const kept = lines.filter((_line, index) => !remove.has(index + 1));
  if (add.length === 0) return Buffer.from(kept.join("\n"), "latin1");
  if (kept.at(-1) === "") kept.pop();
  return Buffer.from([...kept, ...add.map((line) => Buffer.from(line).toString("latin1")), ""].join("\n"), "latin1");
}
