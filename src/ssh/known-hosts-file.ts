/**
 * The known_hosts files on disk: read once before connecting, added to without ever losing a line of somebody else.
 * A file that is not there is an empty one.
 */
import { constants } from "node:fs";
import { type FileHandle, mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";
import { type KnownHosts, parseKnownHosts } from "../codec/known-hosts.ts";
import { errnoOf } from "../io/failure.ts";
import { readBounded } from "./bounded-file.ts";

export interface KnownHostsFile extends KnownHosts {
  readonly path: string;
}

/** Rejects with the system's error when the file is there and cannot be read. */
export async function readKnownHosts(path: string): Promise<KnownHostsFile> {
  let file: FileHandle;
  try {
    file = await open(path, constants.O_RDONLY);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return { path, entries: [], unreadable: [] };
    throw error;
  }
  try {
    return { path, ...parseKnownHosts(await readBounded(file, maxBytes)) };
  } finally {
    await file.close();
  }
}

/**
 * Adds a line at the end. It is one write to a file opened for appending, so that lines which other programs add at the
 * same time stay whole. A missing folder (0700) and file (0600) are made, as ssh makes ~/.ssh.
 */
export async function appendKnownHost(path: string, line: string): Promise<void> {
  await makeFolder(dirname(path));
  const file = await open(path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT, 0o600);
  try {
    const start = (await endsInLine(file)) ? "" : "\n";
    const bytes = Buffer.from(`${start}${line}\n`);
    const { bytesWritten } = await file.write(bytes);
    if (bytesWritten !== bytes.length) throw new Error("the line was written only in part");
  } finally {
    await file.close();
  }
}

/** More than any real file has; /dev/zero and its like must not fill the memory. */
const maxBytes = 64 * 1024 * 1024;

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
