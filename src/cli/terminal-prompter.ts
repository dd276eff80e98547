/**
 * Asks at the terminal, on stderr so that stdout stays clean. As ssh does, it uses the controlling terminal when stdin
 * is something else; where there is no terminal there is no prompter.
 */
import { closeSync, openSync } from "node:fs";
import { ReadStream } from "node:tty";
import { visible } from "../codec/terminal-text.ts";
import { PorthopError } from "../errors.ts";
import type { Prompter } from "../ssh/prompter.ts";

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

/** The terminal is held for one question only: between questions its keys belong to whoever wants them. */
async function asking(question: (input: NodeJS.ReadStream) => Promise<string | symbol | undefined>): Promise<string> {
  const input = process.stdin.isTTY ? process.stdin : new ReadStream(openSync("/dev/tty", "r"));
  try {
    const answer = await question(input);
    if (typeof answer === "symbol") throw new PorthopError("cancelled", "cancelled at a question");
    return answer ?? "";
  } finally {
    if (input === process.stdin) input.pause();
    else input.destroy();
  }
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
