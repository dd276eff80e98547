/**
 * UpdateHostKeys (OpenSSH's PROTOCOL, section 2.5, and clientloop.c). After the login the server lists all its host
 * keys. New keys are added to known_hosts once the server proves that it holds them. Lines of keys that the server has
 * no longer are removed. Nothing else in the files changes.
 */
import { randomBytes } from "node:crypto";
import type { ParsedKey } from "ssh2";
import { fingerprint, keyType, keyTypeName } from "../../codec/keys/fingerprint.ts";
import { hostKeyChanges } from "../../codec/keys/host-key-changes.ts";
import { formatKnownHost, type KnownHosts } from "../../codec/keys/known-hosts.ts";
import { verifySignature } from "../../codec/keys/ssh-signature.ts";
import { readString, writeStrings } from "../../codec/ssh-string.ts";
import { PorthopError } from "../../errors.ts";
import { describe } from "../../io/socket-failure.ts";
import type { Logger } from "../../plugin.ts";
import { visible } from "../../text/terminal-text.ts";
import type { Prompter } from "../prompter.ts";
import type { Ports } from "../ssh2/ports.ts";
import { changeKnownHosts, type LineChanges, readKnownHosts } from "./known-hosts-file.ts";

export interface HostKeyUpdate {
  /** The name that known_hosts has for the host. */
  readonly name: string;
  /** UserKnownHostsFile. New keys are added to the first file; old keys are removed from all files. */
  readonly files: readonly string[];
  readonly hashed: boolean;
  /** When given, the person is asked before a change (UpdateHostKeys ask). */
  readonly prompter: Prompter | undefined;
  readonly log: Logger;
  /** When this fires, the question ends without an answer. */
  readonly signal?: AbortSignal | undefined;
  /** True when the host key was accepted because of a plain key in the user's own files, or by a person. */
  isTrusted(): boolean;
}

/**
 * Waits for the server's list; without `update` the list is dropped. Call this before the login. A failure is a warning
 * and never ends the session.
 */
export function updateHostKeys(ports: HostKeyPorts, update: HostKeyUpdate | undefined): void {
  let seen = false;
  // ssh2's own handling would ask for a proof of every key each time, also of the known keys.
  ports.onGlobalRequest("hostkeys-00@openssh.com", (data) => {
    if (seen || !Array.isArray(data) || data.length > mostKeys || update?.isTrusted() !== true) return;
    seen = true;
    learnHostKeys(ports, data as HostKey[], update).catch((error: unknown) => {
      if (update.signal?.aborted === true) return;
      // In raw mode the terminal sends no signal for Ctrl-C. Ctrl-C at the question still means the whole program.
      if (error instanceof PorthopError && error.code === "cancelled") return void process.kill(process.pid, "SIGINT");
      update.log.warn(`cannot update the host keys of ${visible(update.name)}: ${describe(error)}`);
    });
  });
}

type HostKeyPorts = Pick<Ports, "onGlobalRequest" | "proveHostKeys" | "sessionId">;

type ProvingPorts = Pick<Ports, "proveHostKeys" | "sessionId">;

type HostKey = Pick<ParsedKey, "getPublicSSH">;

/** A list with more keys is ignored. Servers have three or four. */
const mostKeys = 64;

/** The key types that are learned. Keys of other types are ignored, in the list and in the files. */
const types = ["ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"];

/** Rejects when a file cannot be changed, or when the server does not prove that it holds its keys. */
export async function learnHostKeys(
  ports: ProvingPorts,
  offered: readonly HostKey[],
  update: HostKeyUpdate,
): Promise<void> {
  const usable = offered.filter((key) => types.includes(keyType(key.getPublicSSH()) ?? ""));
  const keys = usable.map((key) => Buffer.from(key.getPublicSSH()));
  if (keys.length === 0) return;
  const files = await Promise.all(update.files.map(readKnownHosts));
  const { fresh, obsolete, obstacle } = hostKeyChanges(files, update.name, keys, types);
  if (obstacle !== undefined) return update.log.debug(`host keys are not updated: ${obstacle}`);
  if (fresh.length === 0 && obsolete.length === 0) return;
  const unproved = usable.filter((key) => fresh.some((blob) => blob.equals(key.getPublicSSH())));
  if (unproved.length > 0) await prove(ports, unproved);
  const learned = fresh.map((blob) => `learned the new host key ${keyText(blob)}`);
  const dropped = obsolete.map(({ entry }) => `forgot the host key ${keyText(entry.blob)}, which it has no more`);
  if (!(await isWanted(update, [...learned, ...dropped]))) {
    return update.log.info(`${visible(update.name)}: its host keys stay known as they were`);
  }
  for (const [number, path] of update.files.entries()) {
    if (number === 0 || obsolete.some(({ file }) => file === number)) {
      await changeKnownHosts(path, (now) => changesOf(now, number === 0, keys, update));
    }
  }
  for (const text of [...learned, ...dropped]) update.log.info(`${visible(update.name)}: ${text}`);
}

/**
 * Computes the changes again from the file's present content, under the lock: another process may have learned the keys
 * meanwhile.
 */
function changesOf(
  now: KnownHosts,
  adds: boolean,
  keys: readonly Buffer[],
  update: HostKeyUpdate,
): LineChanges | undefined {
  const { fresh, obsolete, obstacle } = hostKeyChanges([now], update.name, keys, types);
  if (obstacle !== undefined) return undefined;
  const add = adds ? fresh.map((blob) => lineOf(blob, update)) : [];
  const remove = new Set(obsolete.map(({ entry }) => entry.line));
  return add.length === 0 && remove.size === 0 ? undefined : { remove, add };
}

function lineOf(blob: Buffer, { name, hashed }: HostKeyUpdate): string {
  return formatKnownHost({ name, blob, salt: hashed ? randomBytes(20) : undefined });
}

function keyText(blob: Buffer): string {
  return `${keyTypeName(keyType(blob) ?? "")} ${fingerprint(blob)}`;
}

async function isWanted({ prompter, name, signal }: HostKeyUpdate, changes: readonly string[]): Promise<boolean> {
  if (prompter === undefined) return true;
  prompter.inform(
    `The server ${visible(name)} has updated its host keys:\n${changes.map((text) => `  ${text}`).join("\n")}`,
  );
  const answer = await prompter.ask("Accept updated hostkeys? (yes/no): ", signal);
  return answer.trim().toLowerCase() === "yes";
}

/**
 * Asks the server to sign the session's identifier with each key (hostkeys-prove-00@openssh.com). Rejects unless all
 * signatures are right.
 */
async function prove(ports: ProvingPorts, keys: readonly HostKey[]): Promise<void> {
  const { sessionId } = ports;
  const answer = await ports.proveHostKeys(keys);
  let at = 0;
  const isProved = (key: HostKey) => {
    const signature = readString(answer ?? Buffer.alloc(0), at);
    at = signature?.next ?? -1;
    const signed = writeStrings("hostkeys-prove-00@openssh.com", sessionId, key.getPublicSSH());
    return signature !== undefined && verifySignature(key.getPublicSSH(), signed, signature.bytes);
  };
  if (answer === undefined || !keys.every(isProved)) {
    throw new Error("the server does not prove that it holds the keys that it names");
  }
}
