/**
 * Loads ssh2, and only when a session is wanted: it costs about 8 ms of start-up, which `--version` and `--help` must
 * not pay. Its version is pinned, and whatever touches its internals looks first whether they are there.
 */
import { openWindowsEarly } from "./window.ts";

export type Ssh2 = typeof import("ssh2");

let loaded: Promise<Ssh2> | undefined;

export function loadSsh2(): Promise<Ssh2> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<Ssh2> {
  // Before ssh2 itself: its client takes over the values of this module when it is loaded.
  openWindowsEarly((await import("ssh2/lib/Channel.js")).default);
  // ssh2 is CommonJS: all it exports is on `default`.
  return (await import("ssh2")).default as unknown as Ssh2;
}
