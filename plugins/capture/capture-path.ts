/**
 * Opens the file of a capture. The file is always made anew, with mode 0600 whatever the umask is, and never opened
 * through a symbolic link. An older capture with that name is replaced, as tcpdump does. Any other file with that name
 * is refused.
 */
import { closeSync, constants, fchmodSync, lstatSync, openSync, readSync, unlinkSync } from "node:fs";
import { dirname } from "node:path";
import { isCapture } from "../../src/codec/capture/capture-file.ts";
import type { Host } from "../../src/plugin.ts";
import { visible } from "../../src/text/terminal-text.ts";

/**
 * Returns the file descriptor; `-` means stdout. Ends the plugin's setup with file.cannot-write when the file cannot be
 * made.
 */
export function openCapture(path: string, host: Host): number {
  if (path === "-") return 1;
  const refuse = (why: string, hint: string) =>
    host.fail("file.cannot-write", `cannot write the capture ${visible(path, 300)}: ${why}`, hint);
  if (path === "") refuse("it has no name", "name a file, for example out.pcapng");
  try {
    const existing = lstatSync(path, { throwIfNoEntry: false });
    if (existing?.isSymbolicLink()) refuse("it is a symbolic link", "name the file itself: captures hold secrets");
    if (existing?.isDirectory()) refuse("it is a folder", "name a file in it, for example out.pcapng");
    if (existing !== undefined && !existing.isFile()) refuse("it is no regular file", "use - to write to stdout");
    if (existing !== undefined && existing.size > 0 && !holdsCapture(path)) {
      refuse("the file exists and is no capture", "pick another name, or remove that file first");
    }
    if (existing !== undefined) unlinkSync(path);
    const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
    const fd = openSync(path, O_WRONLY | O_CREAT | O_EXCL | (O_NOFOLLOW ?? 0), 0o600);
    fchmodSync(fd, 0o600);
    return fd;
  } catch (error) {
    const errno = typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
    const words = reasons[errno];
    if (words === undefined) throw error;
    return refuse(
      words === missingFolder ? `${words} ${visible(dirname(path), 300)}` : words,
      "check the folder and its rights",
    );
  }
}

const missingFolder = "there is no folder";

const reasons: Readonly<Record<string, string>> = {
  ENOENT: missingFolder,
  ENOTDIR: "a part of the path is no folder",
  EISDIR: "it is a folder",
  ELOOP: "its symbolic links lead nowhere",
  EACCES: "permission denied",
  EPERM: "operation not permitted",
  EROFS: "the file system is read-only",
  ENOSPC: "no space left on the disk",
  EEXIST: "another program has just made that file",
  ENAMETOOLONG: "the name is too long",
};

function holdsCapture(path: string): boolean {
  const fd = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
  try {
    const first = new Uint8Array(12);
    return isCapture(first.subarray(0, readSync(fd, first, 0, first.length, 0)));
  } finally {
    closeSync(fd);
  }
}
