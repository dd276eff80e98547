/**
 * Keeps words that pass through cac as the user wrote them. cac's parser makes the number 7 of `007`, and takes unknown
 * flags for other flags. So flags are compared with the registered ones first, and a mark in front of each word and
 * each value keeps text a text until the parser is done.
 */
import type { CAC, Command } from "cac";
import { Malformed } from "../codec/malformed.ts";
import { didYouMean } from "../text/nearest.ts";
import { quoted, visible } from "../text/terminal-text.ts";

type Option = Command["options"][number];

/** A text that begins with the mark is no number, no flag and not empty. */
const mark = "=";

/** `--capture 007` as `--capture =007`. Throws Malformed for a flag that `command` does not have. */
export function literalWords(words: readonly string[], command: Command): readonly string[] {
  const options = [...command.options, ...(command.globalCommand?.options ?? [])];
  // cac does not change words behind a `--`.
  const end = words.indexOf("--");
  const read = end === -1 ? words : words.slice(0, end);
  return [...read.map((word) => literalWord(word, options)), ...words.slice(read.length)];
}

/**
 * Removes the marks. Of an option that was given more than once the last value counts. If one of the values is missing,
 * the option stays `true`, and cac reports the missing value.
 */
export function readBack(program: CAC): void {
  const { "--": behind, ...options } = program.options as Readonly<Record<string, unknown>>;
  program.args = [...program.args.map(withoutMark), ...(behind as readonly string[])];
  program.options = Object.fromEntries(
    Object.entries(options).map(([name, value]) => {
      const values = [value].flat();
      const last = values.includes(true) ? true : values.at(-1);
      return [name, typeof last === "string" ? withoutMark(last) : last];
    }),
  );
}

/** Whether the word is nothing but registered flags: `-h`, `--help`, and not `--help=1`. */
export function isFlagOf(command: Command, word: string): boolean {
  return word.startsWith("-") && namesIn(word).every((name) => optionNamed(command.options, name) !== undefined);
}

function literalWord(word: string, options: readonly Option[]): string {
  // A lone dash is a word.
  if (word === "-" || !word.startsWith("-")) return `${mark}${word}`;
  checkFlag(word, options);
  return word.replace("=", `=${mark}`);
}

/**
 * Checks a flag before the parser sees it, because cac's own check comes later and misses a lot: to cac's parser
 * `--no-keep`, `--keep.x` and `---k` are forms of other flags, `--_` is a word, `--constructor` is nothing at all, and
 * `--toString.call=1` writes into the function that all objects share.
 */
function checkFlag(word: string, options: readonly Option[]): void {
  const equals = word.indexOf("=");
  const written = equals === -1 ? word : word.slice(0, equals);
  for (const name of namesIn(written)) {
    const option = optionNamed(options, name);
    if (option === undefined) throw unknownFlag(name, written, options);
    if (equals !== -1 && option.isBoolean === true) {
      throw new Malformed(`${name} takes no value, but ${quoted(word.slice(equals + 1))} was given`);
    }
  }
}

/** `-k` and `-v` of `-kv`: none of these letters takes a value. */
function namesIn(word: string): readonly string[] {
  const letters = word.startsWith("--") ? [] : [...word.slice(1)];
  return letters.length === 0 ? [word] : letters.map((letter) => `-${letter}`);
}

function optionNamed(options: readonly Option[], name: string): Option | undefined {
  return options.find((option) => spellings(option).includes(name));
}

/** `-h` and `--help` of `-h, --help`, `--capture` of `--capture <FILE>`. */
function spellings({ rawName }: Option): readonly string[] {
  const [names = ""] = rawName.split(/[<[]/);
  return names.split(",").map((name) => name.trim());
}

function unknownFlag(name: string, written: string, options: readonly Option[]): Malformed {
  const where = name === written ? "" : ` in ${quoted(written)}`;
  const long = options.flatMap(spellings).filter((spelling) => spelling.startsWith("--"));
  const hint = didYouMean(
    written.replace(/^--?/, ""),
    long.map((spelling) => spelling.slice(2)),
    "--",
  );
  return new Malformed(`unknown flag ${visible(name, 80)}${where}${hint}`);
}

function withoutMark(text: string): string {
  return text.slice(mark.length);
}
