/**
 * The known_hosts files on disk: how they are read, added to and rewritten. No line of another program is ever lost,
 * even when several programs write at the same time. A missing file counts as an empty file.
 */
import { randomBytes } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { type FileHandle, mkdir, open, realpath, rename, stat, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { editLines } from "../../codec/keys/host-key-changes.ts";
import { type KnownHosts, parseKnownHosts } from "../../codec/keys/known-hosts.ts";
import { openFile } from "../../io/open-file.ts";
import { errnoOf } from "../../io/socket-failure.ts";
import { readBounded } from "../bounded-file.ts";
import { withLock } from "./file-lock.ts";

export interface KnownHostsFile extends KnownHosts {
  readonly path: string;
}

/** Rejects with the system's error when the file exists and cannot be read. */
export async function readKnownHosts(path: string): Promise<KnownHostsFile> {
  const file = await openExisting(path);
  if (file === undefined) return { path, entries: [], unreadable: [] };
  try {
    return { path, ...parseKnownHosts(await readBounded(file, maxBytes)) };
  } finally {
    await file.close();
  }
}

/**
 * Adds a line at the end, unless `isThere` says of the file's content under the lock that the line is not needed.
 * Resolves with false then. The line is one write to a file opened for appending, so lines that other programs add at
 * the same time stay whole. When another program has replaced the file meanwhile, the line is written to the new file
 * too. A missing folder (0700) and a missing file (0600) are made, as ssh makes ~/.ssh.
 */
export async function appendKnownHost(
  path: string,
  line: string,
  isThere: (now: KnownHosts) => boolean,
): Promise<boolean> {
  await makeFolder(dirname(path));
  const stats = await stat(path).catch(() => undefined);
  // Many users who want no known_hosts set it to /dev/null. No lock file may be made beside a device.
  if (stats?.isFile() === false) return append(path, line);
  // No lock can be made in a folder of another user. The line is safe without the lock, but may be there twice.
  return withLock(path, () => append(path, line, (text) => isThere(parseKnownHosts(text))), "go on");
}

export interface LineChanges {
  /** Line numbers, counted from 1. */
  readonly remove: ReadonlySet<number>;
  readonly add: readonly string[];
}

/**
 * Changes the file. `plan` gets the file's content under the lock and returns the changes, or undefined for none. No
 * reader sees a half-changed file: to remove lines, a new file with the old file's mode and owner replaces the old
 * file.
 */
export function changeKnownHosts(path: string, plan: (now: KnownHosts) => LineChanges | undefined): Promise<void> {
  return withLock(path, async () => {
    const file = await openExisting(path);
    if (file === undefined) return;
    try {
      const text = await readBounded(file, maxBytes, "latin1");
      const bytes = Buffer.from(text, "latin1");
      const changes = plan(parseKnownHosts(bytes.toString("utf8")));
      if (changes === undefined) return;
      if (changes.remove.size > 0) await replace(path, file, bytes, changes);
      else for (const line of changes.add) await append(path, line, hasLine(line));
    } finally {
      await file.close();
    }
  });
}

/** No real known_hosts file is larger. The limit keeps files like /dev/zero from filling the memory. */
const maxBytes = 64 * 1024 * 1024;
const mostTries = 10;

/** `isThere` gets the file's text. Without it, the file is not read first. */
async function append(path: string, line: string, isThere?: (text: string) => boolean): Promise<boolean> {
  const isWritten = hasLine(line);
  for (let tries = 0; tries < mostTries; tries++) {
    const file = await open(path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT, 0o600);
    try {
      const text = isThere === undefined && tries === 0 ? "" : await readBounded(file, maxBytes);
      if (tries > 0 && isWritten(text)) return true;
      if (isThere?.(text) === true) return false;
      const start = (await endsInLine(file)) ? "" : "\n";
      const bytes = Buffer.from(`${start}${line}\n`);
      const { bytesWritten } = await file.write(bytes);
      if (bytesWritten !== bytes.length) throw new Error("the line was written only in part");
      if (isSame(await file.stat(), await stat(path).catch(() => undefined))) return true;
    } finally {
      await file.close();
    }
  }
  throw new Error("the file is replaced again and again");
}

function hasLine(line: string): (text: string) => boolean {
  return (text) => text.split("\n").includes(line);
}

async function openExisting(path: string): Promise<FileHandle | undefined> {
  try {
    return await openFile(path);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
  }
}

async function endsInLine(file: FileHandle): Promise<boolean> {
  const { size } = await file.stat();
  if (size === 0) return true;
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer[0] === 0x0a;
}

function isSame(one: Stats, other: Stats | undefined): boolean {
  return other !== undefined && one.ino === other.ino && one.dev === other.dev;
}

/** A symbolic link stays a link: the file behind the link is replaced. */
async function replace(path: string, old: FileHandle, bytes: Buffer, { remove, add }: LineChanges): Promise<void> {
  const real = await realpath(path);
  const next = `${real}.${randomBytes(6).toString("hex")}`;
  try {
    await writeLike(next, editLines(bytes, remove, add), await old.stat());
    await rename(next, real);
  } catch (error) {
    await unlink(next).catch(() => {});
    throw error;
  }
  // Other programs may have added lines to the old file after it was read. These lines are copied to the new file.
  for (const line of await linesFrom(old, bytes.length)) await append(real, line, hasLine(line));
}

async function writeLike(path: string, content: Buffer, { mode, uid, gid }: Stats): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    // Only root can give a file to another owner. For all others the new file either has the right owner already, or
    // could not have been replaced at all.
    await file.chown(uid, gid).catch(() => {});
    await file.chmod(mode & 0o777);
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function linesFrom(file: FileHandle, offset: number): Promise<string[]> {
  const { size } = await file.stat();
  if (size <= offset) return [];
  const { buffer, bytesRead } = await file.read(Buffer.alloc(size - offset), 0, size - offset, offset);
  return buffer
    .subarray(0, bytesRead)
    .toString("utf8")
    .split("\n")
    .filter((line) => line !== "");
}
