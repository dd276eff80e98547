/**
 * ssh2, loaded as a session loads it. All tests use this ssh2: they run in one process, and ssh2's inner modules can be
 * changed only before they are loaded for the first time.
 */
import { loadSsh2 } from "../../src/ssh/loader.ts";

export const ssh2 = await loadSsh2();
