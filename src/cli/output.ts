/**
 * The only writer to stdout and stderr. stdout is for results (events, tables, a capture), stderr for everything else.
 * Colour is used only on a terminal. Control characters in text from outside are shown and never sent.
 */
import { openSync, writeSync } from "node:fs";
import pc from "picocolors";
import { PorthopError } from "../errors.ts";
import { describe } from "../io/socket-failure.ts";
import type { Logger } from "../plugin.ts";
import { visible, visibleLines } from "../text/terminal-text.ts";

export const levels = ["silent", "error", "warn", "info", "debug"] as const;
export type Level = (typeof levels)[number];

export class Output {
  readonly #level: Level;
  readonly #colors: ReturnType<typeof pc.createColors>;
  /** The open log file of -E, which takes all text for stderr. */
  readonly #logFile: number | undefined;

  /** `logFile` is the path of -E. Throws a PorthopError when the file cannot be opened. */
  constructor(level: Level, logFile?: string | undefined) {
    this.#level = level;
    this.#logFile = logFile === undefined ? undefined : openLog(logFile);
    this.#colors = pc.createColors(logFile === undefined && wantsColor(process.stderr));
    // A reader that went away (`| head`) must not end the forwards.
    for (const stream of [process.stdout, process.stderr]) {
      if (stream.listenerCount("error") === 0) stream.on("error", () => {});
    }
  }

  /** A line of the result, on stdout. */
  result(line: string): void {
    process.stdout.write(`${line}\n`);
  }

  info(text: string): void {
    if (this.shows("info")) this.#line(visibleLines(text));
  }

  /**
   * What the server says before the login. It goes to stderr also with a log file, and beside a command, unless only
   * errors are wanted, as with ssh (sshconnect2.c, input_userauth_banner).
   */
  banner(text: string): void {
    if (this.shows("warn")) process.stderr.write(`${visibleLines(text.trimEnd())}\n`);
  }

  debug(text: string): void {
    if (this.shows("debug")) this.#line(this.#colors.dim(visibleLines(text)));
  }

  warn(text: string): void {
    if (this.shows("warn")) this.#line(`${this.#colors.yellow("porthop: warning:")} ${visibleLines(text)}`);
  }

  /** Prints a line with the message and the code, then a line with the hint. */
  error(error: PorthopError, flow?: string): void {
    if (!this.shows("error")) return;
    const where = flow === undefined ? "" : `${flow}: `;
    const text = visible(`${where}${error.message}`);
    this.#line(`${this.#colors.red("porthop:")} ${text} ${this.#colors.dim(`[${error.code}]`)}`);
    this.#line(`  hint: ${visible(error.hint)}`);
  }

  /** A logger whose lines begin with the name of a plugin; without `name` it is porthop's own logger. */
  loggerFor(name?: string): Logger {
    const prefixed = (text: string) => (name === undefined ? text : `${name}: ${text}`);
    return {
      error: (text) => {
        if (this.shows("error")) this.#line(`${this.#colors.red("porthop:")} ${visibleLines(prefixed(text))}`);
      },
      warn: (text) => this.warn(prefixed(text)),
      info: (text) => this.info(prefixed(text)),
      debug: (text) => this.debug(prefixed(text)),
      shows: (level) => this.shows(level),
    };
  }

  /** Whether lines of this level are wanted. */
  shows(level: Level): boolean {
    return levels.indexOf(level) <= levels.indexOf(this.#level);
  }

  #line(text: string): void {
    if (this.#logFile === undefined) process.stderr.write(`${text}\n`);
    else appendTo(this.#logFile, timed(text));
  }
}

/**
 * Each line begins with its time, as the events of --json write it (RFC 3339, UTC). ssh writes no time into this file
 * (log.c, do_log), but a log that is read days later is of little use without one.
 */
function timed(text: string): string {
  const time = new Date().toISOString();
  return text
    .split("\n")
    .map((line) => `${time} ${line}\n`)
    .join("");
}

/**
 * Opens a log file as ssh does (log.c, log_redirect_stderr_to): new lines go to its end, and a
 * new file is for its owner alone.
 */
function openLog(path: string): number {
  try {
    return openSync(path, "a", 0o600);
  } catch (error) {
    throw new PorthopError("file.cannot-write", `cannot write the log ${visible(path, 200)}: ${describe(error)}`, {
      cause: error,
    });
  }
}

/**
 * Writes synchronously, so that the file has the last messages of a program that ends. An error is ignored, because a
 * full disk must not end the forwards.
 */
function appendTo(file: number, text: string): void {
  try {
    writeSync(file, text);
  } catch {}
}

/** Colour is off when NO_COLOR is set and not empty (https://no-color.org). */
export function wantsColor(stream: Pick<NodeJS.WriteStream, "isTTY">): boolean {
  const { NO_COLOR, TERM } = process.env;
  return stream.isTTY === true && (NO_COLOR ?? "") === "" && TERM !== "dumb";
}
