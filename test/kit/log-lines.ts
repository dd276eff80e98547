/** A logger that keeps its lines, each with its level in front: `warn cannot read ...`. */
import type { Logger } from "../../src/plugin.ts";

export class LogLines implements Logger {
  readonly lines: string[] = [];

  get text(): string {
    return this.lines.join("\n");
  }

  error = (text: string) => this.#add("error", text);
  warn = (text: string) => this.#add("warn", text);
  info = (text: string) => this.#add("info", text);
  debug = (text: string) => this.#add("debug", text);
  shows = () => true;

  #add(level: string, text: string): void {
    this.lines.push(`${level} ${text}`);
  }
}
