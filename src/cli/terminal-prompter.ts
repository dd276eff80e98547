/**
 * Asks questions at the terminal, on stderr so that stdout stays clean. As in ssh, the answers come from the
 * controlling terminal when stdin is something else. Without a terminal there is no prompter.
 */
import { closeSync, openSync } from "node:fs";
import { ReadStream } from "node:tty";
import { PorthopError } from "../errors.ts";
import type { Prompter } from "../ssh/prompter.ts";
import { visible } from "../text/terminal-text.ts";

/**
 * `asked` is called before each question, so that other messages to the terminal can
 * stop. Undefined without a terminal.
 */
export function terminalPrompter(asked: () => void): Prompter | undefined {
  if (process.stderr.isTTY !== true || !hasTerminal()) return undefined;
  return {
    async ask(question, signal) {
      asked();
      const { text } = await import("@clack/prompts");
      return asking((input) =>
        text({ message: visible(question), input, output: process.stderr, ...withSignal(signal) }),
      );
    },
    async secret(question, signal) {
      asked();
      const { password } = await import("@clack/prompts");
      return asking((input) =>
        password({ message: visible(question), input, output: process.stderr, ...withSignal(signal) }),
      );
    },
    inform: (text) => {
      process.stderr.write(`${text}\n`);
    },
  };
}

/** Opened only once: under Bun a destroyed stream goes on reading, and takes the beginning of the next answer. */
let terminal: ReadStream | undefined;

/** Holds the terminal for one question only, because between questions the keys belong to other readers. */
async function asking(question: (input: NodeJS.ReadStream) => Promise<string | symbol | undefined>): Promise<string> {
  if (!process.stdin.isTTY) terminal ??= new ReadStream(openSync("/dev/tty", "r"));
  const input = terminal ?? process.stdin;
  const lineFeeds = new LineFeeds();
  input.prependListener("keypress", lineFeeds.take);
  try {
    const answer = await question(input);
    if (typeof answer === "symbol") throw new PorthopError("cancelled", "cancelled at a question");
    return answer ?? "";
  } finally {
    input.removeListener("keypress", lineFeeds.take);
    input.pause();
  }
}

/**
 * Programs that type for a person (sshpass) end an answer with a line feed. ssh leaves the terminal in its line mode,
 * which takes both characters for Enter; the prompts here use raw mode, which does not.
 */
class LineFeeds {
  #last = "";

  /** Makes Enter of a line feed, unless the line feed follows a carriage return. */
  readonly take = (_text: string | undefined, key: { name?: string }) => {
    const { name = "" } = key;
    if (name === "enter" && this.#last !== "return") key.name = "return";
    this.#last = name;
  };
}

function hasTerminal(): boolean {
  if (process.stdin.isTTY) return true;
  try {
    closeSync(openSync("/dev/tty", "r"));
    return true;
  } catch {
    // No controlling terminal (a service, a CI job, Windows): nobody can be asked.
    return false;
  }
}

function withSignal(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
