/**
 * Asks at the terminal, on stderr so that stdout stays clean. As ssh does, it uses the controlling terminal when stdin
 * is something else; where there is no terminal there is no prompter.
 */
import { closeSync, openSync } from "node:fs";
import { ReadStream } from "node:tty";
import { PorthopError } from "../errors.ts";
import type { Prompter } from "../ssh/prompter.ts";
import { visible } from "../text/terminal-text.ts";

/** `asked` is called before each question: whatever else writes to the terminal should be quiet then. */
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

/** Opened once: under Bun a stream that was destroyed still reads, and takes the beginning of the next answer away. */
let terminal: ReadStream | undefined;

/** The terminal is held for one question only: between questions its keys belong to whoever wants them. */
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

/** Programs that type for a person (sshpass) end an answer with a line feed: ssh leaves the terminal to its line discipline, which takes both. */
class LineFeeds {
  #last = "";

  /** A line feed is Enter, but for the second half of CR LF. */
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
