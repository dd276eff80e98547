/**
 * How porthop is started: as the compiled executable by default, as source under Bun or Deno, or bundled under Node, always
 * in a clean environment.
 */
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { builtExecutable, builtForNode } from "./executable.ts";
import { nodeExecutable } from "./node.ts";
import { currentUser } from "./processes.ts";
import { projectRoot, type ScriptRuntime, scriptCommand } from "./runtime.ts";
import { tempDirectory } from "./temp.ts";

export type Runtime = ScriptRuntime | "compiled" | "node";

export interface LaunchOptions {
  /** Undefined for the value of PORTHOP_TEST_RUNTIME, or `compiled` when that is not set. */
  readonly runtime?: Runtime;
  /** Added to the clean environment. The value undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** A home that the test has prepared. Undefined for a fresh empty home. */
  readonly home?: string;
  /** Another program in place of porthop's main file, for Bun and Deno. */
  readonly main?: string;
}

export interface Launch {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly home: string;
  /** True when `home` was made for this launch and is removed with it. */
  readonly ownsHome: boolean;
}

export function launch(args: readonly string[], options: LaunchOptions = {}): Launch {
  const home = options.home ?? tempDirectory("home");
  const runtime = options.runtime ?? wantedRuntime();
  return {
    command: [...program(runtime, options.main), ...args],
    env: environment(home, runtime, options.env ?? {}),
    cwd: options.cwd ?? home,
    home,
    ownsHome: options.home === undefined,
  };
}

function program(runtime: Runtime, main = join(projectRoot, "src", "main.ts")): string[] {
  if (runtime === "compiled") return [builtExecutable()];
  return runtime === "node" ? [nodeExecutable() ?? "node", builtForNode()] : scriptCommand(runtime, main);
}

function wantedRuntime(): Runtime {
  const wanted = process.env["PORTHOP_TEST_RUNTIME"] ?? "compiled";
  if (wanted === "bun" || wanted === "deno" || wanted === "compiled") return wanted;
  throw new Error(`PORTHOP_TEST_RUNTIME is bun, deno or compiled, not ${wanted}`);
}

/**
 * The variables that a login gives, and nothing of the tester's: no agent, no NO_COLOR, no proxy, no settings of the
 * runtimes.
 */
function environment(home: string, runtime: Runtime, extra: NonNullable<LaunchOptions["env"]>): Record<string, string> {
  const user = currentUser();
  const merged: Record<string, string | undefined> = {
    PATH: `${process.env["PATH"] ?? "/usr/bin:/bin"}:/usr/sbin:/sbin`,
    HOME: home,
    USER: user,
    LOGNAME: user,
    SHELL: "/bin/sh",
    TERM: "xterm-256color",
    LANG: "C.UTF-8",
    TMPDIR: tmpdir(),
    ...(runtime === "deno" ? denoSettings() : {}),
    ...extra,
  };
  const set = Object.entries(merged).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries(set);
}

/** Deno keeps compiled code below HOME and would start slowly in each fresh home. So Deno gets the tester's cache. */
function denoSettings(): Record<string, string> {
  const cache = process.env["DENO_DIR"] ?? join(homedir(), ".cache", "deno");
  return { DENO_DIR: cache, DENO_NO_UPDATE_CHECK: "1" };
}
