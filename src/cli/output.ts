/**
 * The only writer to stdout and stderr. stdout is for results (events, tables, a capture), stderr for everything else;
 * colour only on a terminal; text from outside has its control characters shown, never sent.
 */
import pc from "picocolors";
import { visible } from "../codec/terminal-text.ts";
import type { PorthopError } from "../errors.ts";
import type { Logger } from "../plugin.ts";

export const levels = ["silent", "error", "warn", "info", "debug"] as const;
export type Level = (typeof levels)[number];

export class Output {
  readonly #level: Level;
  readonly #colors = pc.createColors(wantsColor());

  constructor(level: Level) {
    this.#level = level;
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
    if (this.#shows("info")) this.#line(visibleLines(text));
  }

  debug(text: string): void {
    if (this.#shows("debug")) this.#line(this.#colors.dim(visibleLines(text)));
  }

  warn(text: string): void {
    if (this.#shows("warn")) this.#line(`${this.#colors.yellow("porthop: warning:")} ${visibleLines(text)}`);
  }

  /** One line with its code, then the hint. */
  error(error: PorthopError, flow?: string): void {
    if (!this.#shows("error")) return;
    const where = flow === undefined ? "" : `${flow}: `;
    const text = visible(`${where}${error.message}`);
    this.#line(`${this.#colors.red("porthop:")} ${text} ${this.#colors.dim(`[${error.code}]`)}`);
    this.#line(`  hint: ${visible(error.hint)}`);
  }

  /** A logger whose lines begin with a plugin's name; without one it is porthop's own. */
  loggerFor(name?: string): Logger {
    const prefixed = (text: string) => (name === undefined ? text : `${name}: ${text}`);
    return {
      error: (text) => {
        if (this.#shows("error")) this.#line(`${this.#colors.red("porthop:")} ${visibleLines(prefixed(text))}`);
      },
      warn: (text) => this.warn(prefixed(text)),
      info: (text) => this.info(prefixed(text)),
      debug: (text) => this.debug(prefixed(text)),
    };
  }

  #shows(level: Level): boolean {
    return levels.indexOf(level) <= levels.indexOf(this.#level);
  }

  #line(text: string): void {
    process.stderr.write(`${text}\n`);
  }
}

/** https://no-color.org: set and not empty means none. */
function wantsColor(): boolean {
  const { NO_COLOR, TERM } = process.env;
  return process.stderr.isTTY === true && (NO_COLOR ?? "") === "" && TERM !== "dumb";
}

function visibleLines(text: string): string {
  return text
    .split("\n")
    .map((line) => visible(line))
    .join("\n");
}
