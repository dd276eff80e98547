/**
 * The wizard's questions line by line, for screen readers and for terminals that cannot move their cursor: a numbered
 * list, and an answer followed by Enter.
 */
import { createInterface } from "node:readline";
import { visible } from "../../text/terminal-text.ts";
import { wrapped } from "../../text/wrapped-text.ts";
import { type Choice, type Entry, flawIn, type Question } from "../../wizard/question.ts";
import { type Asker, type AskOptions, back, backKey, cancelled, columnsOf } from "./asker.ts";

export function linesAsker(signal: AbortSignal): Asker {
  const output = process.stderr;
  const columns = columnsOf(output.columns);
  const write = (line: string) => void output.write(`${line}\n`);
  const writeText = (text: string) => wrapped(text, columns).forEach(write);
  const typing = new Typing(signal);
  return {
    columns,
    backKeys: backKey,
    begin(title, text) {
      write(title);
      writeText(text);
    },
    async ask(question, asking) {
      write("");
      writeText(question.ask);
      for (const line of [...question.about, ...(asking.about ?? [])]) writeText(line);
      if (question.kind === "choice") writeOptions(question, columns, write);
      for (;;) {
        output.write(promptOf(question, asking));
        const typed = (await typing.line()).trim();
        if (typed === backKey && asking.canGoBack) return back;
        const answer = answerOf(question, typed, asking.usual ?? question.usual);
        const flaw = flawIn(question, answer) ?? (await asking.check?.(answer));
        if (flaw === undefined) return answer;
        writeText(`! ${flaw}`);
      }
    },
    show(parts) {
      for (const { title, lines } of parts) {
        write("");
        write(title);
        for (const line of lines) write(visible(line));
      }
    },
    say(text) {
      writeText(text);
    },
    warn(text) {
      writeText(`! ${text}`);
    },
    end(text) {
      // After a question without an answer, the cursor still stands behind the question.
      if (typing.isWaiting) write("");
      writeText(text);
    },
    close() {
      typing.close();
    },
  };
}

/** Reads typed lines. Lines that were typed early are kept for the next question. */
class Typing {
  readonly #lines: string[] = [];
  readonly #reader = createInterface({ input: process.stdin, terminal: false });
  #waiting: { resolve(line: string): void; reject(error: Error): void } | undefined;
  #isOver = false;
  #isUnanswered = false;

  constructor(signal: AbortSignal) {
    this.#reader.on("line", (line) => {
      this.#isUnanswered = false;
      if (this.#waiting === undefined) this.#lines.push(line);
      else this.#take()?.resolve(line);
    });
    // Ctrl-D ends the input. Ctrl-C arrives as a signal.
    const end = () => {
      this.#isOver = true;
      this.#take()?.reject(cancelled());
    };
    this.#reader.on("close", end);
    signal.addEventListener("abort", end, { once: true });
  }

  /** True when nothing was typed after the last question. */
  get isWaiting(): boolean {
    return this.#isUnanswered;
  }

  line(): Promise<string> {
    const line = this.#lines.shift();
    this.#isUnanswered = line === undefined;
    if (line !== undefined) return Promise.resolve(line);
    if (this.#isOver) return Promise.reject(cancelled());
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  close(): void {
    this.#reader.close();
    process.stdin.pause();
  }

  #take() {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    return waiting;
  }
}

function writeOptions({ options }: Choice, columns: number, write: (line: string) => void): void {
  for (const [index, { label, hint }] of options.entries()) {
    const text = `${label}${hint === undefined ? "" : ` (${hint})`}`;
    wrapped(text, columns, "      ", `  ${String(index + 1).padStart(2)}  `).forEach(write);
  }
}

function promptOf(question: Question, asking: AskOptions): string {
  const usual = asking.usual ?? question.usual;
  const shown = usual === undefined ? exampleOf(question) : ` [${usualText(question, usual)}]`;
  const goingBack = asking.canGoBack ? ", < for back" : "";
  return `${question.kind === "choice" ? "Number" : "Answer"}${visible(shown)}${goingBack}: `;
}

function exampleOf(question: Question): string {
  const example = question.kind === "entry" ? question.example : undefined;
  return example === undefined ? "" : ` (for example ${example})`;
}

function usualText(question: Choice | Entry, usual: string): string {
  if (question.kind === "entry") return usual;
  return String(question.options.findIndex(({ value }) => value === usual) + 1);
}

/** A number from the list counts as the value of its option. */
function answerOf(question: Question, typed: string, usual: string | undefined): string {
  if (typed === "") return usual ?? "";
  if (question.kind === "entry") return typed;
  return (/^\d{1,4}$/.test(typed) ? question.options[Number(typed) - 1]?.value : undefined) ?? "";
}
