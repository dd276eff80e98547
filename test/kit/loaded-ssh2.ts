/**
 * ssh2 as a session loads it. All tests take it from here: they run in one process, and its inner modules can be changed only
 * before they are loaded for the first time.
 */
import { loadSsh2 } from "../../src/ssh/loader.ts";

export const ssh2 = await loadSsh2();
