/**
 * porthop as a user without root's rights, who cannot read every file nor open every port. When root runs the tests,
 * porthop runs as uid 65534, from a copy that this user can reach; otherwise porthop runs as the current user.
 */
import { chmodSync, chownSync, copyFileSync } from "node:fs";
import { join } from "node:path";
import { builtExecutable } from "../kit/executable.ts";
import { launch } from "../kit/launch.ts";
import { type Exit, Porthop, type PorthopOptions } from "../kit/porthop.ts";
import { removeTemp, tempDirectory } from "../kit/temp.ts";

/** For `need`: the tools for running a program as another user. */
export const normalUserTools = isRoot() ? ["setpriv"] : [];

/** Gives a file to the normal user, as if that user had made the file. */
export function handOver(path: string): void {
  if (isRoot()) chownSync(path, nobody, nobody);
}

export interface NormalUser extends AsyncDisposable {
  /** The home folder of the normal user. */
  readonly home: string;
  start(args: readonly string[], options?: PorthopOptions): Porthop;
  /** Runs porthop to its end. */
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
