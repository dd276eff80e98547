/** The text of the machine's table of services, services(5). */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";

/** A table with all names of IANA has 700 kB. */
const maxBytes = 4 * 1024 * 1024;

/** Undefined when there is no such file, or nothing that could be one. */
export function readServicesFile(path = usualPath()): string | undefined {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch {
    return undefined;
  }
  try {
    const { size } = fstatSync(file);
    const text = Buffer.alloc(Math.min(size, maxBytes));
    return text.toString("latin1", 0, readSync(file, text, 0, text.length, 0));
  } catch {
    return undefined;
  } finally {
    closeSync(file);
  }
}

function usualPath(): string {
  const root = process.env["SystemRoot"];
  return process.platform === "win32" && root !== undefined
    ? join(root, "System32", "drivers", "etc", "services")
    : "/etc/services";
}
