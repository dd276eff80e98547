/**
 * Runs the command in argv, and ends the process with its exit code. A thrown value that is no PorthopError is a defect
 * of porthop, and is reported as one.
 */
import { execute } from "./commands.ts";
import { reportFailure } from "./failure-report.ts";
import { keepIgnored, onSignals } from "./interruption.ts";

/** How long the end of a tunnel waits for its last events to be read. */
const stuckMs = 2000;

const isNode = !("bun" in process.versions || "deno" in process.versions);

/** The process ends with the command, some time after this has returned. */
export async function runUntilExit(words: readonly string[]): Promise<void> {
  keepIgnored();
  // An error that nobody waits for (in a timer of a plugin, in an event of a library) is reported here. Without these
  // listeners the runtime would print the error together with the program's own source.
  for (const event of ["uncaughtException", "unhandledRejection"] as const) {
    process.on(event, (thrown: unknown) => exit(words, reportFailure(thrown, words.includes("--json"))));
  }
  // Whoever waits for what never comes, a plugin for one, is waited for: Node would end with a code of its own (13).
  const alive = setInterval(() => {}, 2 ** 31 - 1);
  const code = await execute(words).catch((thrown: unknown) => reportFailure(thrown));
  clearInterval(alive);
  exit(words, code);
}

/**
 * Ends the process after all output is out, because stdout and stderr may be pipes with a slow reader. Bun does not
 * count the bytes that a stream still holds, and calls back for an empty write at once: only the end of the stream
 * waits for these bytes.
 */
function exit(words: readonly string[], code: number): void {
  const end = () => process.exit(code);
  process.exitCode = code;
  void Promise.all([process.stdout, process.stderr].map(writtenOut)).then(end);
  // One that is stuck holds nobody who asks again, and no tunnel that was told to stop: only a pager may take its time.
  onSignals(end);
  if (words[0] === "run" || words[0] === "relay") setTimeout(end, stuckMs);
}

function writtenOut(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.writableFinished) resolve();
    // A reader that went away needs no more output.
    stream.on("error", () => {});
    // Node's end is shutdown(2) where the stream is a socket, and takes it from the process behind too (-f).
    if (isNode) stream.write("", () => resolve());
    else stream.end(() => resolve());
  });
}
