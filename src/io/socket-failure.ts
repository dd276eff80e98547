/** The words for errno values. Only src/io and src/ssh make PorthopErrors of the errors of the kernel and of ssh2. */
import { type LegNumber, PorthopError } from "../errors.ts";
import { messageOf } from "../text/error-message.ts";

/** The errno name of an error (`ECONNREFUSED`), where it has one. */
export function errnoOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** The kernel's own words for an errno, as strerror(3) has them. */
export function describe(error: unknown): string {
  const errno = errnoOf(error);
  const words = errno !== undefined && Object.hasOwn(errnoWords, errno) ? errnoWords[errno] : undefined;
  if (words !== undefined) return words;
  return messageOf(error);
}

/** The error for an established connection that broke. `where` names the far end. */
export function brokenConnection(error: unknown, leg: LegNumber, where: string): PorthopError {
  const how = error === undefined ? "connection closed by the other end" : describe(error);
  return new PorthopError("target.unreachable", `the connection with ${where} broke: ${how}`, {
    leg,
    hint: "the other end or the network broke the connection in the middle",
    cause: error,
  });
}

const errnoWords: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EADDRINUSE: "address already in use",
  EADDRNOTAVAIL: "cannot assign requested address",
  ECONNABORTED: "connection aborted",
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset by peer",
  EHOSTDOWN: "host is down",
  EHOSTUNREACH: "no route to host",
  EINVAL: "invalid argument",
  ELOOP: "too many levels of symbolic links",
  EMFILE: "too many open files",
  ENAMETOOLONG: "file name too long",
  ENETDOWN: "network is down",
  ENETUNREACH: "network is unreachable",
  ENOENT: "no such file or directory",
  ENOSPC: "no space left on device",
  ENOTDIR: "not a directory",
  EISDIR: "is a directory",
  EPIPE: "broken pipe",
  EROFS: "read-only file system",
  ETIMEDOUT: "connection timed out",
};
