/**
 * Asks at the terminal, on stderr so that stdout stays clean. As ssh does, it uses the controlling terminal when stdin
 * is something else; where there is no terminal there is no prompter.
 */
import { openSync } from "node:fs";
import { ReadStream } from "node:tty";
import { visible } from "../codec/terminal-text.ts";
import { PorthopError } from "../errors.ts";
import type { Prompter } from "../ssh/prompter.ts";

export function terminalPrompter(): Prompter | undefined {
  const input = terminalInput();
  if (input === undefined || process.stderr.isTTY !== true) return undefined;
  const output = process.stderr;
  const answer = (text: string | symbol | undefined): string => {
    if (typeof text === "symbol") throw new PorthopError("cancelled", "cancelled at a question");
    return text ?? "";
  };
  return {
    async ask(question, signal) {
      const { text } = await import("@clack/prompts");
      return answer(await text({ message: visible(question), input, output, ...(signal && { signal }) }));
    },
    async secret(question, signal) {
      const { password } = await import("@clack/prompts");
      return answer(await password({ message: visible(question), input, output, ...(signal && { signal }) }));
    },
    inform: (text) => {
      output.write(`${text}\n`);
    },
  };
}

function terminalInput(): NodeJS.ReadStream | undefined {
  if (process.stdin.isTTY) return process.stdin;
  try {
    return new ReadStream(openSync("/dev/tty", "r"));
  } catch {
    // No controlling terminal (a service, a CI job, Windows): nobody can be asked.
    return undefined;
  }
}
