/**
 * The wizard's questions as prompts of @clack/prompts, on stderr so that stdout stays clean. Escape goes back, as `<`
 * does. After Ctrl-C or an abort of the signal, the cursor is visible and the keys work as before.
 */
import { visible } from "../../text/terminal-text.ts";
import { wrapped } from "../../text/wrapped-text.ts";
import { type Choice, type Entry, flawIn } from "../../wizard/question.ts";
import { type Asker, type AskOptions, back, backKey, cancelled, columnsOf } from "./asker.ts";

type Clack = typeof import("@clack/prompts");

/** Each line begins with a bar and two blanks. */
const margin = 3;
const beside = " ".repeat(margin);

/** The library is loaded here and nowhere else, because loading takes time that other commands must not lose. */
export async function promptingAsker(signal: AbortSignal): Promise<Asker> {
  const clack = await import("@clack/prompts");
  const output = process.stderr;
  const input = process.stdin;
  const columns = () => columnsOf(output.columns) - margin;
  const common = { input, output, signal };
  let lastKey: string | undefined;
  const onKey = (_text: string | undefined, key: { readonly name?: string } | undefined) => {
    lastKey = key?.name;
  };
  input.on("keypress", onKey);
  const settle = (answer: unknown): string | typeof back => {
    if (typeof answer === "string") return answer.trim();
    if (lastKey !== "escape" || signal.aborted) throw cancelled();
    return back;
  };
  return {
    get columns() {
      return columns();
    },
    backKeys: `${backKey} or Esc`,
    begin: (title, text) => {
      clack.intro(title, { output });
      clack.log.message(wrapped(text, columns()).join("\n"), { output });
    },
    async ask(question, asking) {
      lastKey = undefined;
      const message = messageFor(clack, question.ask, [...question.about, ...(asking.about ?? [])], columns());
      const answer =
        question.kind === "choice"
          ? await clack.select({ ...common, ...select(question, asking, message) })
          : await clack.text({ ...common, ...text(question, asking, message, columns()) });
      const settled = settle(answer);
      return settled === backKey ? back : settled;
    },
    show(parts) {
      for (const { title, lines, isCommand } of parts) {
        clack.log.step([title, ...(isCommand ? [] : lines)].join("\n"), { output });
        if (isCommand) output.write(`\n${lines.map((line) => visible(line)).join("\n")}\n\n`);
      }
    },
    say: (said) => clack.log.success(wrapped(said, columns()).join("\n"), { output }),
    warn: (said) => clack.log.warn(wrapped(said, columns()).join("\n"), { output }),
    end: (said) => clack.outro(wrapped(said, columns()).join("\n   "), { output }),
    close() {
      input.removeListener("keypress", onKey);
      input.pause();
    },
  };
}

function select({ options, usual }: Choice, { usual: other, canGoBack }: AskOptions, { forChoice: message }: Message) {
  const rows = options.map(({ value, label, hint }) => ({
    value,
    label: visible(label),
    ...(hint === undefined ? {} : { hint: visible(hint) }),
  }));
  return {
    message,
    options: [...rows, ...(canGoBack ? [{ value: backKey, label: "Back" }] : [])],
    initialValue: other ?? usual,
  };
}

function text(question: Entry, asking: AskOptions, { forEntry: message }: Message, columns: number) {
  const shown = (flaw: string | undefined) => flaw && wrapped(flaw, columns, beside, "").join("\n");
  const usual = asking.usual ?? question.usual;
  const example = usual ?? question.example;
  return {
    message,
    ...(example === undefined ? {} : { placeholder: visible(example) }),
    ...(usual === undefined ? {} : { defaultValue: usual }),
    validate: (typed: string | undefined) => {
      const flaw = flawOf(question, asking, (typed ?? "").trim() || (usual ?? ""));
      return typeof flaw === "object" ? flaw.then(shown) : shown(flaw);
    },
  };
}

function flawOf(question: Entry, { check, canGoBack }: AskOptions, answer: string): FlawText | Promise<FlawText> {
  if (answer === backKey) return canGoBack ? undefined : "this is the first question";
  const flaw = flawIn(question, answer);
  return flaw ?? check?.(answer);
}

type FlawText = string | undefined;

interface Message {
  readonly forChoice: string;
  readonly forEntry: string;
}

/** A choice puts the bar in front of each line by itself; a line of text does not. */
function messageFor({ S_BAR }: Clack, ask: string, about: readonly string[], columns: number): Message {
  const lines = [...wrapped(ask, columns), ...about.flatMap((line) => wrapped(line, columns))];
  return { forChoice: lines.join("\n"), forEntry: lines.join(`\n${S_BAR}  `) };
}
