/**
 * Tells the service manager something by the program systemd-notify(1). The manager's socket is a datagram unix socket,
 * which no runtime has. The program speaks in the name of its parent where it may, and waits until the manager has read
 * what it said.
 */
import { spawn } from "node:child_process";
import { delimiter, isAbsolute } from "node:path";
import type { Readable } from "node:stream";
import { visible } from "../text/terminal-text.ts";
import { after } from "./after.ts";
import { describe, errnoOf } from "./socket-failure.ts";

export interface NotifyFailure {
  readonly reason: string;
  /** True when the program cannot be started at all: another try would be in vain. */
  readonly isFinal: boolean;
}

const program = "systemd-notify";
/** The program itself waits for 5 s until the manager has read everything. */
const patienceMs = 6000;
/** How long the end of the program waits for its last words. */
const lastWordsMs = 100;

/**
 * `assignments` are those of sd_notify(3), such as `READY=1`; `environment` has NOTIFY_SOCKET. Resolves when the manager
 * knows, with undefined, or when it cannot be told, with the reason. The program is killed when it takes too long, and
 * when `hurry` fires.
 */
export async function tellServiceManager(
  assignments: readonly string[],
  environment: NodeJS.ProcessEnv,
  hurry: AbortSignal,
  withinMs = patienceMs,
): Promise<NotifyFailure | undefined> {
  let child: ReturnType<typeof start>;
  try {
    child = start(assignments, environment);
  } catch (error) {
    return notStarted(error);
  }
  const said = firstWords(child.stderr);
  const ended = new Promise<NotifyFailure | undefined>((resolve) => {
    child.on("error", (error) => resolve(notStarted(error)));
    child.on("exit", async (code, signal) => {
      if (code === 0) return resolve(undefined);
      await Promise.race([said.end, after(lastWordsMs)]);
      const how = signal === null ? `with code ${code}` : `by ${signal}`;
      resolve({ reason: `${program} ended ${how}${said.text === "" ? "" : `: ${said.text}`}`, isFinal: false });
    });
  });
  const tooLate = { reason: `${program} did not end within ${withinMs / 1000} s`, isFinal: false };
  const hurried = Promise.withResolvers<typeof tooLate>();
  const onHurry = () => hurried.resolve(tooLate);
  if (hurry.aborted) onHurry();
  hurry.addEventListener("abort", onHurry, { once: true });
  const failure = await Promise.race([ended, after(withinMs).then(() => tooLate), hurried.promise]);
  hurry.removeEventListener("abort", onHurry);
  if (failure === tooLate && child.pid !== undefined && child.exitCode === null) kill(child.pid);
  child.stderr.destroy();
  return failure;
}

function start(assignments: readonly string[], env: NodeJS.ProcessEnv) {
  // Nobody has asked for this program by name: a folder that is where porthop happens to be started does not count.
  const folders = (env["PATH"] ?? usualPath).split(delimiter).filter((folder) => isAbsolute(folder));
  const own = { ...env, PATH: folders.join(delimiter) || usualPath };
  return spawn(program, assignments, { stdio: ["ignore", "ignore", "pipe"], env: own });
}

/** Where systems without a PATH look (execvp(3)). */
const usualPath = "/usr/bin:/bin";

function notStarted(error: unknown): NotifyFailure {
  const reason = errnoOf(error) === "ENOENT" ? "there is no such program" : describe(error);
  return { reason: `${program}: ${reason}`, isFinal: true };
}

/** What a program says, made safe for a terminal and short. */
function firstWords(output: Readable): { readonly text: string; readonly end: Promise<void> } {
  const mostCharacters = 200;
  let text = "";
  output.setEncoding("utf8");
  output.on("data", (piece: string) => {
    if (text.length < mostCharacters) text += piece;
  });
  const end = new Promise<void>((resolve) => {
    output.on("close", resolve);
    output.on("error", () => resolve());
  });
  return {
    end,
    get text() {
      return visible(text.trim(), mostCharacters);
    },
  };
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // The program has ended, and its `exit` event has not come yet.
  }
}
