/** The context that a login method gets. All that the method does to the login is recorded. */

import { loadSsh2 } from "../../src/ssh/loader.ts";
import type { AuthContext } from "../../src/ssh/login/auth-method.ts";
import { newAuthRecord } from "../../src/ssh/login/auth-record.ts";
import { LogLines } from "./log-lines.ts";

export interface PlayedContext extends AuthContext {
  readonly log: LogLines;
  /** How many times the next attempt was started. */
  readonly advanced: () => number;
  /** The reason of each time that the login was given up. */
  readonly gaveUp: readonly unknown[];
}

export async function authContext(changes: Partial<AuthContext> = {}): Promise<PlayedContext> {
  const log = new LogLines();
  const gaveUp: unknown[] = [];
  let advanced = 0;
  return {
    ssh2: await loadSsh2(),
    record: newAuthRecord({ user: "anna", host: "vishnu", port: 22 }),
    prompter: undefined,
    signal: undefined,
    signatureAlgorithms: () => undefined,
    prompts: 3,
    account: "anna@vishnu",
    advance: () => {
      advanced++;
    },
    giveUp: (reason) => void gaveUp.push(reason),
    ...changes,
    log,
    advanced: () => advanced,
    gaveUp,
  };
}
