/**
 * Loads ssh2, and only when a session is wanted: it costs about 8 ms of start-up, which `--version` and `--help` must
 * not pay. The pinned version is checked where internals are touched.
 */
export type Ssh2 = typeof import("ssh2");

let loaded: Promise<Ssh2> | undefined;

export function loadSsh2(): Promise<Ssh2> {
  // ssh2 is CommonJS: all it exports is on `default`.
  loaded ??= import("ssh2").then((module) => module.default as unknown as Ssh2);
  return loaded;
}
