/**
 * The steps of `porthop check` as lines for people, which are readable without colour and on a narrow terminal, or as
 * events. The closing line names the first leg that failed.
 */
import pc from "picocolors";
import type { PorthopError } from "../errors.ts";
import type { CheckStep, StepName } from "../forward/check/check-step.ts";
import { visible } from "../text/terminal-text.ts";
import { wrappedWords } from "../text/wrapped-text.ts";

export interface Look {
  /** The width at which lines are broken; undefined for no line breaks. */
  readonly columns?: number | undefined;
  readonly hasColor: boolean;
}

/** The lines of a step, with a hint when the step failed. */
export function stepLines(step: CheckStep, look: Look): readonly string[] {
  const { outcome, leg, message, error, ms } = step;
  const words = wordsOf(error === undefined ? message : `${message} [${error.code}]`);
  // One word, because no line break may stand between a number and its unit.
  const text = ms === undefined ? words : [...words, `(${ms} ms)`];
  const head = `${outcome.padEnd(markWidth)}leg ${leg}  ${labelOf(step).padEnd(labelWidth)}`;
  const lines = isNarrow(look)
    ? [head.trimEnd(), ...hanging(" ".repeat(markWidth), text, look)]
    : hanging(head, text, look);
  const cure =
    error === undefined ? [] : hanging(`${" ".repeat(markWidth)}hint: `, wordsOf(error.hint), lookOfHint(error, look));
  return [...lines.map((line, index) => (index === 0 ? colored(line, outcome, look) : line)), ...cure];
}

export function closingLines(steps: readonly CheckStep[], ms: number, look: Look): readonly string[] {
  const count = (wanted: CheckStep["outcome"]) => steps.filter(({ outcome }) => outcome === wanted).length;
  const untried = count("skip") === 0 ? "" : `, ${count("skip")} not tried`;
  const first = steps.find(({ outcome }) => outcome === "no");
  const mark = (first === undefined ? "ok" : "no").padEnd(markWidth);
  const time = `${(ms / 1000).toFixed(1)} s`;
  const text =
    first === undefined
      ? `all that was tried works: ${count("ok")} steps in ${time}${untried}`
      : `leg ${first.leg} fails first, at ${labelOf(first)}: ${count("no")} of ${steps.length} steps failed${untried}`;
  return hanging(mark, wordsOf(text), look).map((line, index) =>
    index === 0 ? colored(line, first === undefined ? "ok" : "no", look) : line,
  );
}

/** The fields of a `check` event. */
export function stepFields({ outcome, error, message, ...step }: CheckStep): object {
  const state = outcome === "skip" ? { ok: false, skipped: true } : { ok: outcome === "ok" };
  return { ...step, ...state, code: error?.code, message, hint: error?.hint };
}

const markWidth = 5;
const labelWidth = 13;
/** On a narrower terminal the text of a step stands below the step's name. */
const narrowColumns = 72;

const labels: Readonly<Record<StepName, string>> = {
  name: "name",
  tcp: "tcp",
  "proxy-command": "proxy",
  banner: "banner",
  "host-key": "host key",
  login: "login",
  listener: "listener",
  target: "target",
  dial: "dial",
};

/** `L1 target`; `J1 login` is the login to the first jump host. */
function labelOf({ step, forward, hop }: CheckStep): string {
  const whose = forward ?? (hop === undefined ? undefined : `J${hop}`);
  return whose === undefined ? labels[step] : `${whose} ${labels[step]}`;
}

function isNarrow({ columns }: Look): boolean {
  return columns !== undefined && columns < narrowColumns;
}

/** A hint with a line for known_hosts is not broken, because users copy that line. */
function lookOfHint({ hint }: PorthopError, look: Look): Look {
  return /\S{60}/.test(hint) ? { ...look, columns: undefined } : look;
}

/** Lines that begin with `first`, and continue where the first word begins. A word longer than a line stays whole. */
function hanging(
  first: string,
  words: readonly string[],
  { columns = Number.POSITIVE_INFINITY }: Look,
): readonly string[] {
  return wrappedWords(words, columns, " ".repeat(first.length), first);
}

function wordsOf(text: string): readonly string[] {
  return visible(text).split(" ");
}

/** Colours only the mark, because coloured words are harder to read. */
function colored(line: string, outcome: CheckStep["outcome"], { hasColor }: Look): string {
  const colors = pc.createColors(hasColor);
  const paint = { ok: colors.green, no: colors.red, skip: colors.yellow }[outcome];
  return paint(line.slice(0, outcome.length)) + line.slice(outcome.length);
}
