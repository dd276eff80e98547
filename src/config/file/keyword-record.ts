/**
 * The values of keywords: `-o`, the files and the flags that stand for a keyword (-p, -l, -i ...) fill one record. As in
 * ssh, the first value of a keyword wins; a few keywords, such as IdentityFile, collect all values.
 */
import { parseAlgorithmList, unknownText } from "../../codec/config/algorithm-list.ts";
import { isAlgorithmKind } from "../../codec/config/openssh-algorithms.ts";
import { Malformed } from "../../codec/malformed.ts";
import { parseDuration } from "../../codec/units.ts";
import { collecting, type Keyword, keywords } from "./keyword.ts";
import { checkReading, words } from "./keyword-value.ts";

/** setTimeout treats a longer time as 1 ms. */
export const longestTimerMs = 2 ** 31 - 1;

/** SSH_MAX_IDENTITY_FILES and SSH_MAX_CERTIFICATE_FILES (ssh.h). */
const mostFiles = 100;

export class Keywords {
  readonly #values = new Map<Keyword, string[]>();
  /** The words of lists that were already split. */
  readonly #lists = new Map<Keyword, readonly string[]>();
  /** For each value the file and line; undefined for a value of the command line. */
  readonly #places = new Map<Keyword, (string | undefined)[]>();
  #place: string | undefined;
  /** The first value of each keyword that only ssh has, by its name in lower case. */
  readonly others = new Map<string, string>();
  /** Of these the lines of files, as they were written. */
  readonly otherLines: { readonly name: string; readonly value: string }[] = [];
  /** Warnings about what was typed: keywords and flags that do not have their effect. */
  readonly remarks: string[] = [];
  /** Names of algorithms in what was typed that ssh does not know. */
  readonly unknownTyped: string[] = [];
  /** Warnings about the configuration files, which are printed once the log exists. */
  readonly warnings: string[] = [];
  /** Of these the lines of Match blocks that nobody could decide on. */
  readonly skipped: string[] = [];
  /** Remarks about the configuration files, which only -v prints. */
  readonly notes: string[] = [];

  add(keyword: Keyword, value: string): void {
    checkReading(keyword, keywords[keyword], value);
    const values = this.#values.get(keyword);
    if (values === undefined) {
      this.#passOverUnknown(keyword, value);
      this.#values.set(keyword, [value]);
      this.#places.set(keyword, [this.#place]);
    } else if (collecting.has(keyword) && (keyword === "SendEnv" || !values.includes(value))) {
      if (keyword.endsWith("File") && values.length >= mostFiles) {
        throw new Malformed(`${keyword}: ssh takes no more than ${mostFiles} files`);
      }
      values.push(value);
      this.#places.get(keyword)?.push(this.#place);
    }
  }

  /** Of a list of algorithms, names that ssh does not know are passed over with a warning. */
  #passOverUnknown(keyword: Keyword, value: string): void {
    const kind = keywords[keyword];
    if (typeof kind !== "string" || !isAlgorithmKind(kind)) return;
    const told = this.#place === undefined ? this.remarks : this.warnings;
    const begin = this.#place === undefined ? "" : `${this.#place}: `;
    for (const name of parseAlgorithmList(kind, value).unknown) {
      const text = `${begin}${keyword}: ${unknownText(kind, name)}`;
      told.push(`${text}: passed over`);
      if (this.#place === undefined) this.unknownTyped.push(text);
    }
  }

  /** Adds a list whose words are already split and have no quotes. */
  addList(keyword: Keyword, list: readonly string[]): void {
    if (!this.#values.has(keyword)) this.#lists.set(keyword, list);
    this.add(keyword, list.join(" "));
  }

  /** All values that `add` adds get this place. */
  addingFrom(place: string, add: () => void): void {
    this.#place = place;
    try {
      add();
    } finally {
      this.#place = undefined;
    }
  }

  /** The beginning of a message about the value: its file and line, or "" for the command line. */
  placeOf(keyword: Keyword): string {
    const place = this.#places.get(keyword)?.[0];
    return place === undefined ? "" : `${place}: `;
  }

  /** For each value from a file, the file and line. */
  placesOf(keyword: Keyword): ReadonlyMap<string, string> {
    const places = this.#places.get(keyword) ?? [];
    return new Map(
      this.all(keyword).flatMap((value, index) => {
        const place = places[index];
        return place === undefined ? [] : [[value, place] as const];
      }),
    );
  }

  /** Takes the values of these keywords from `other`, for keywords without a value here. */
  fillFrom(other: Keywords, wanted: Iterable<Keyword>): void {
    for (const keyword of wanted) {
      const values = other.#values.get(keyword);
      if (values === undefined || this.#values.has(keyword)) continue;
      this.#values.set(keyword, [...values]);
      this.#places.set(keyword, [...(other.#places.get(keyword) ?? [])]);
      const list = other.#lists.get(keyword);
      if (list !== undefined) this.#lists.set(keyword, list);
    }
  }

  /** Replaces all values of the keyword. */
  put(keyword: Keyword, value: string): void {
    checkReading(keyword, keywords[keyword], value);
    this.#passOverUnknown(keyword, value);
    this.#values.set(keyword, [value]);
  }

  /** Changes each value, or each word of a list. Used to fill in tokens. */
  replace(keyword: Keyword, change: (value: string) => string): void {
    const list = this.list(keyword);
    const values = this.#values.get(keyword);
    if (list === undefined || values === undefined) return;
    if (keywords[keyword] === "list") {
      const changed = list.map(change);
      this.#lists.set(keyword, changed);
      this.#values.set(keyword, [changed.join(" ")]);
    } else this.#values.set(keyword, values.map(change));
  }

  /** The keywords that have a value. */
  given(): readonly Keyword[] {
    return [...this.#values.keys()];
  }

  text(keyword: Keyword): string | undefined {
    return this.#values.get(keyword)?.[0];
  }

  /** True when `one` was given before `other`. A keyword without a value counts as last. */
  isBefore(one: Keyword, other: Keyword): boolean {
    const first = [...this.#values.keys()].find((keyword) => keyword === one || keyword === other);
    return first === one;
  }

  all(keyword: Keyword): readonly string[] {
    return this.#values.get(keyword) ?? [];
  }

  /** The words of the value. Blanks separate the words, and a word with a blank stands in quotes (ssh_config(5)). */
  list(keyword: Keyword): readonly string[] | undefined {
    const text = this.text(keyword);
    return text === undefined ? undefined : (this.#lists.get(keyword) ?? words(text));
  }

  flag(keyword: Keyword, otherwise: boolean): boolean {
    const text = this.text(keyword)?.toLowerCase();
    return text === undefined ? otherwise : text === "yes" || text === "true";
  }

  number(keyword: Keyword): number | undefined {
    const text = this.text(keyword);
    return text === undefined ? undefined : Number(text);
  }

  /** Octal digits, as in file modes. */
  octal(keyword: Keyword): number | undefined {
    const text = this.text(keyword);
    return text === undefined ? undefined : Number.parseInt(text, 8);
  }

  /** A time in ssh's form (`30`, `1m30s`) in milliseconds. `none` is 0. Never longer than a timer can wait. */
  time(keyword: Keyword): number | undefined {
    const text = this.text(keyword);
    if (text === undefined) return undefined;
    return text.toLowerCase() === "none" ? 0 : Math.min(longestTimerMs, parseDuration(text));
  }
}
