/**
 * Opens small files of the user for reading, also while clients have taken all descriptors: a session can only be made
 * again when its known_hosts and keys can be read, and until then no client ends.
 */
import { type FileHandle, open } from "node:fs/promises";
import { descriptors } from "./descriptors.ts";
import { errnoOf } from "./socket-failure.ts";

/** Another thread, or a client, may have been faster. */
const mostTries = 3;

export async function openFile(path: string): Promise<FileHandle> {
  for (let tries = 1; ; tries++) {
    try {
      return await descriptors.lend(() => open(path, "r"));
    } catch (error) {
      if (tries === mostTries || !isShortage(error)) throw error;
    }
  }
}

/** True when the system, or this process, has no descriptor left. */
export function isShortage(error: unknown): boolean {
  return ["EMFILE", "ENFILE"].includes(errnoOf(error) ?? "");
}
