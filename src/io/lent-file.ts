/**
 * Opens a file for reading, also when the listeners have taken all descriptors: in an outage many connections wait, and
 * a session that comes back reads the known hosts and the keys.
 */
import { constants, type FileHandle, open } from "node:fs/promises";
import { descriptors } from "./descriptors.ts";
import { errnoOf } from "./socket-failure.ts";

const mostTries = 20;

export async function openLent(path: string): Promise<FileHandle> {
  for (let tries = 1; ; tries++) {
    try {
      return await descriptors.lend(() => open(path, constants.O_RDONLY));
    } catch (error) {
      // The thread that opens the file may have been late, and a listener has taken the descriptor again.
      if (errnoOf(error) !== "EMFILE" || tries === mostTries) throw error;
    }
  }
}
