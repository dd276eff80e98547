/**
 * porthop as a user without root's rights, for whom files are unreadable and ports privileged. Where the tests run as
 * root it runs as uid 65534, from a copy that this user can reach; else it runs as who we are.
 */
import { chmodSync, chownSync, copyFileSync } from "node:fs";
import { join } from "node:path";
import { builtExecutable } from "../kit/executable.ts";
import { launch } from "../kit/launch.ts";
import { type Exit, Porthop, type PorthopOptions } from "../kit/porthop.ts";
import { removeTemp, tempDirectory } from "../kit/temp.ts";

/** For `need`: what it takes to be somebody else. */
export const normalUserTools = isRoot() ? ["setpriv"] : [];

/** Gives a file to that user, as if they had made it. */
export function handOver(path: string): void {
  if (isRoot()) chownSync(path, nobody, nobody);
}

export interface NormalUser extends AsyncDisposable {
  /** A folder of theirs. */
  readonly home: string;
  start(args: readonly string[], options?: PorthopOptions): Porthop;
  /** Runs it to its end. */
  run(args: readonly string[], options?: PorthopOptions): Promise<Exit>;
}

export async function normalUser(): Promise<NormalUser> {
  const home = tempDirectory("normal-user");
  const program = isRoot() ? join(home, "porthop") : builtExecutable();
  if (isRoot()) {
    copyFileSync(builtExecutable(), program);
    chmodSync(program, 0o755);
    handOver(home);
  }
  const start = (args: readonly string[], options: PorthopOptions = {}): Porthop => {
    const launched = launch(args, { home, ...options });
    return new Porthop({ ...launched, command: [...drop, program, ...args] }, options);
  };
  return {
    home,
    start,
    async run(args, options) {
      await using running = start(args, options);
      return await running.exit;
    },
    [Symbol.asyncDispose]: async () => removeTemp(home),
  };
}

const nobody = 65534;
const drop = isRoot() ? ["setpriv", `--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups"] : [];

function isRoot(): boolean {
  return process.getuid?.() === 0;
}
