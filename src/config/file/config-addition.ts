/**
 * Adds lines to the end of a configuration file without ever damaging the file. The old content stays byte for byte, a
 * copy is kept, and no reader sees a half-written file. A symbolic link stays a link: the file behind the link is
 * replaced.
 */
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  copyFileSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { PorthopError } from "../../errors.ts";
import { messageOf } from "../../text/error-message.ts";
import { visible } from "../../text/terminal-text.ts";
import { currentUserName } from "../current-user.ts";
import { refuseShared } from "./private-file.ts";

/** No configuration file that people write is larger. */
const mostBytes = 16 * 1024 * 1024;

/** The file's bytes; undefined when there is no file. Throws a PorthopError when nothing may be added to the file. */
export function readForAddition(path: string): Buffer | undefined {
  return failing("read", path, () => {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return undefined;
    if (!stats.isFile()) throw new Error("it is no plain file");
    if (stats.size > mostBytes) throw new Error(`it is larger than ${mostBytes} bytes`);
    refuseShared(stats, currentUserName());
    // The folder's permissions would allow to replace a read-only file. But its owner does not want a change.
    if ((stats.mode & 0o200) === 0) throw new Error("it is read-only");
    return readFileSync(path);
  });
}

/**
 * `before` is the content that the user has seen. When the file has changed since, nothing is written and a
 * PorthopError is thrown. Returns the path of the copy; undefined when there was no file.
 */
export function addToConfig(path: string, before: Buffer | undefined, addition: string): string | undefined {
  const now = readForAddition(path);
  if (now === undefined ? before !== undefined : before === undefined || !now.equals(before)) {
    throw new PorthopError("file.cannot-write", `${visible(path, 200)} was changed by somebody else meanwhile`, {
      hint: "nothing was written; try again",
    });
  }
  return failing("write", path, () => {
    if (now === undefined) {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      // With the flag "wx" the write fails when the file was made just now, or when a link that leads nowhere is there.
      writeFileSync(path, addition, { mode: 0o600, flag: "wx" });
      return undefined;
    }
    const real = realpathSync(path);
    const copy = keepCopy(real);
    replace(real, Buffer.concat([now, Buffer.from(addition)]), statSync(real));
    return copy;
  });
}

/** Makes the copy beside the file. Copies of earlier times stay. */
function keepCopy(real: string): string {
  const time = new Date().toISOString().slice(0, 19).replaceAll(":", "-");
  const copy = `${real}.${time}.${randomBytes(2).toString("hex")}.bak`;
  copyFileSync(real, copy, constants.COPYFILE_EXCL);
  chmodSync(copy, statSync(real).mode & 0o777);
  return copy;
}

function replace(real: string, content: Buffer, { mode, uid, gid }: Stats): void {
  const next = `${real}.${randomBytes(6).toString("hex")}`;
  try {
    const file = openSync(next, "wx", 0o600);
    try {
      writeFileSync(file, content);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    // Only root can give a file to another owner. For all others the file already has the right owner.
    if (process.getuid?.() === 0) chownSync(next, uid, gid);
    chmodSync(next, mode & 0o777);
    renameSync(next, real);
  } catch (error) {
    rmSync(next, { force: true });
    throw error;
  }
}

function failing<T>(what: "read" | "write", path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof PorthopError) throw error;
    const why = messageOf(error);
    throw new PorthopError(`file.cannot-${what}`, `cannot ${what} ${visible(path, 200)}: ${visible(why, 200)}`, {
      cause: error,
    });
  }
}
