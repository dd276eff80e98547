/**
 * Reads configuration files for one host, line by line as readconf.c does. A block applies or does not, a file is
 * included where its name stands, and the first value of a keyword wins. Each error names its file and line.
 */
import { join } from "node:path";
import { type ConfigLine, parseConfigLine } from "../../codec/config/config-line.ts";
import { missingVariable } from "../../codec/config/percent-tokens.ts";
import { matchPatterns } from "../../codec/host-pattern.ts";
import { Malformed } from "../../codec/malformed.ts";
import { PorthopError } from "../../errors.ts";
import { didYouMean } from "../../text/nearest.ts";
import { quoted, visible } from "../../text/terminal-text.ts";
import { hostApplies, type MatchContext, matchApplies } from "./config-match.ts";
import type { ConfigSources, Unreadable } from "./config-sources.ts";
import { fillHome } from "./config-tokens.ts";
import { addConfigLine, lackText } from "./config-value.ts";
import { findKeyword, type Keyword, keywords as known } from "./keyword.ts";
import type { Keywords } from "./keyword-record.ts";
import { findOther, otherNames } from "./other-keywords.ts";
import { readOtherValue } from "./other-values.ts";
import { type Block, hostHoldsAlways, matchHoldsAlways, PlainSsh } from "./plain-ssh.ts";

/** The host that the files are read for. The values for Match change while the files are read. */
export interface Subject {
  /** The name that Host patterns are compared with. */
  readonly host: string;
  readonly isFinal: boolean;
  /** The name of a file to include, with tokens and variables filled in. */
  fillInclude(path: string): string;
  match(): Omit<MatchContext, "addresses" | "askForFinal" | "isFinal" | "tag" | "undecided">;
}

interface ConfigPlace {
  readonly path: string;
  /** True for a file of the user, false for a file of the system. */
  readonly isUser: boolean;
  /** True when no other user may be able to write the file. */
  readonly isPrivate: boolean;
  /** True for a file included from a block that does not apply. Its lines are checked but have no effect. */
  readonly isDead: boolean;
  /** False for a file included from a block that holds only for some hosts. */
  readonly isForAll: boolean;
  readonly depth: number;
}

interface NumberedLine extends ConfigLine {
  readonly number: number;
}

/** OpenSSH's READCONF_MAX_DEPTH. */
const maxDepth = 16;

/** A limit, because two files that each include two files, and so on, would never end. */
const maxFiles = 10_000;

export class ConfigReading {
  readonly #sources: ConfigSources;
  readonly #keywords: Keywords;
  /** The lines of each file that was read. */
  readonly #files = new Map<string, readonly NumberedLine[]>();
  /** The places of SendEnv lines that have taken effect. */
  readonly #sent = new Set<string>();
  #plainSsh: PlainSsh | undefined;
  #wantsFinal = false;
  #count = 0;

  /** The values of the files are added to `keywords`, after the values that are already there. */
  constructor(sources: ConfigSources, keywords: Keywords) {
    this.#sources = sources;
    this.#keywords = keywords;
    this.#wantsFinal = /^(?:yes|true|always)$/i.test(keywords.others.get("canonicalizehostname") ?? "no");
  }

  /** True when the files have to be read a second time, with the final host name. */
  get wantsFinal(): boolean {
    return this.#wantsFinal;
  }

  /** Reads one file. Returns the reason when the file cannot be read. */
  read(path: string, rules: Pick<ConfigPlace, "isUser" | "isPrivate">, subject: Subject): Unreadable | undefined {
    // Each file is judged by itself, because a user without a file still reads the system's file.
    this.#plainSsh = subject.isFinal ? undefined : new PlainSsh(path);
    const missing = this.#readFile({ ...rules, path, isDead: false, isForAll: true, depth: 0 }, subject);
    const warning = this.#plainSsh?.warning;
    if (warning !== undefined) this.#keywords.warnings.push(warning);
    return missing;
  }

  #readFile(place: ConfigPlace, subject: Subject): Unreadable | undefined {
    if (++this.#count > maxFiles) throw new Malformed(`more than ${maxFiles} files are included`);
    const lines = this.#files.get(place.path) ?? this.#load(place);
    if ("why" in lines) return lines;
    let block: Block = { isActive: !place.isDead, holdsAlways: place.isForAll };
    for (const line of lines) {
      block = locating(place.path, line.number, () => this.#readLine(line, place, block, subject));
    }
    return undefined;
  }

  #load({ path, isPrivate }: ConfigPlace): readonly NumberedLine[] | Unreadable {
    const text = refusing(
      () => path,
      () => this.#sources.read(path, isPrivate),
    );
    if (typeof text !== "string") return text;
    const lines = text.split("\n").flatMap((row, index) => {
      const line = locating(path, index + 1, () => parseConfigLine(row));
      return line === undefined ? [] : [{ ...line, number: index + 1 }];
    });
    this.#files.set(path, lines);
    return lines;
  }

  /** Reads one line. Returns the block of the lines that follow. */
  #readLine(line: NumberedLine, place: ConfigPlace, block: Block, subject: Subject): Block {
    const name = line.keyword.toLowerCase();
    const { isActive } = block;
    if (name === "host") {
      const applies = hostApplies(line.arguments, subject.host) && !place.isDead;
      return { isActive: applies, holdsAlways: place.isForAll && hostHoldsAlways(line.arguments) };
    }
    if (name === "match") {
      const applies = matchApplies(line.arguments, this.#matchContext(line, place, subject)) && !place.isDead;
      return { isActive: applies, holdsAlways: place.isForAll && matchHoldsAlways(line.arguments) };
    }
    if (name === "include") {
      for (const path of line.arguments) this.#include(path, line, place, block, subject);
      return block;
    }
    if (name === "ignoreunknown" || name.startsWith("porthop")) this.#lookAsSsh(name, line, place, block);
    const keyword = findKeyword(name);
    if (keyword === undefined) this.#readOther(name, line, place, isActive);
    else {
      const isNew = isActive && !this.#wasSent(keyword, line, place);
      const add = () => addConfigLine(this.#keywords, keyword, line, isNew, place.path);
      if (isNew) this.#keywords.addingFrom(placeOf(place.path, line.number), add);
      else add();
    }
    return block;
  }

  #lookAsSsh(name: string, line: NumberedLine, { path }: ConfigPlace, block: Block): void {
    const where = placeOf(path, line.number);
    if (name === "ignoreunknown") this.#plainSsh?.ignores(line.arguments[0] ?? "", where, block);
    else this.#plainSsh?.meets(line.keyword, where);
  }

  /** A second reading of a SendEnv line would add its names again. All other keywords keep their first value. */
  #wasSent(keyword: Keyword, line: NumberedLine, { path }: ConfigPlace): boolean {
    if (keyword !== "SendEnv") return false;
    const where = `${path}:${line.number}`;
    const was = this.#sent.has(where);
    this.#sent.add(where);
    return was;
  }

  #matchContext(line: NumberedLine, place: ConfigPlace, subject: Subject): MatchContext {
    const { succeeds, ...match } = subject.match();
    return {
      ...match,
      tag: this.#keywords.text("Tag") ?? "",
      isFinal: subject.isFinal,
      addresses: () => this.#sources.machine.addresses(),
      // In a file that was included from a block that does not apply, no command runs.
      succeeds: (command) => (place.isDead ? false : succeeds(command)),
      askForFinal: () => {
        this.#wantsFinal = true;
      },
      undecided: (criterion) => {
        if (subject.isFinal) return;
        const text = `the command of Match ${criterion} is not run: taken as not met`;
        this.#say("warnings", line, place, text);
        this.#say("skipped", line, place, text);
      },
    };
  }

  #include(
    given: string,
    line: NumberedLine,
    place: ConfigPlace,
    { isActive, holdsAlways }: Block,
    subject: Subject,
  ): void {
    const { isUser, depth } = place;
    if (given === "") throw new Malformed("Include: the file is missing");
    const variable = missingVariable(given, this.#sources.machine.environment);
    if (variable !== undefined) {
      this.#warn(
        line,
        place,
        `the environment has no ${quoted(variable)}: Include ${visible(given, 200)} is passed over`,
      );
      return;
    }
    const pattern = subject.fillInclude(given);
    if (pattern.startsWith("~") && !isUser)
      throw new Malformed(`Include ${visible(pattern, 200)}: whose home is meant?`);
    if (depth >= maxDepth)
      throw new Malformed(`Include ${visible(pattern, 200)}: files include each other ${depth} deep`);
    const folder = isUser ? this.#sources.userFolder : this.#sources.systemFolder;
    const absolute = /^[/~]/.test(pattern) ? fillHome(pattern, this.#sources.machine) : join(folder, pattern);
    for (const path of this.#sources.paths(absolute)) {
      const inner = { path, isUser, isPrivate: true, isDead: !isActive, isForAll: holdsAlways, depth: depth + 1 };
      const missing = this.#readFile(inner, subject);
      if (missing !== undefined && !missing.isMissing) {
        throw new Malformed(`Include: cannot read ${visible(path, 200)}: ${missing.why}`);
      }
    }
  }

  /** For keywords that porthop does not have: ssh knows the keyword, or IgnoreUnknown names it, or it is an error. */
  #readOther(name: string, line: NumberedLine, place: ConfigPlace, isActive: boolean): void {
    const other = findOther(name);
    if (other === undefined) {
      this.#readUnknown(name, line, place, isActive);
      return;
    }
    const value = readOtherValue(other.name, other.shape, line);
    const key = other.name.toLowerCase();
    if (!isActive || this.#keywords.others.has(key)) return;
    this.#keywords.others.set(key, value);
    this.#keywords.otherLines.push({
      name: other.name,
      value: line.rest.replace(/^[ \t=]+/, "").replaceAll("\t", " "),
    });
    if (other.isMet(value)) return;
    if (key === "canonicalizehostname") this.#wantsFinal = true;
    if (other.weight === "stops" && this.#sources.isOnlyRead !== true) {
      throw new Malformed(`${other.name}: ${other.lack}: ${visible(value, 200)}`);
    }
    this.#say(other.weight === "unfelt" ? "notes" : "warnings", line, place, lackText(other));
  }

  #readUnknown(name: string, line: NumberedLine, place: ConfigPlace, isActive: boolean): void {
    const shown = visible(line.keyword, 50);
    const ignored = this.#keywords.text("IgnoreUnknown")?.toLowerCase().split(",") ?? [];
    if (matchPatterns(name, ignored) !== "matched") {
      const names = [...Object.keys(known), ...otherNames()];
      throw new Malformed(`ssh has no keyword ${quoted(shown)}${didYouMean(line.keyword, names)}`);
    }
    if (name.startsWith("porthop") && isActive) this.#warn(line, place, `porthop has no keyword ${shown}`);
  }

  #warn(line: NumberedLine, place: ConfigPlace, text: string): void {
    this.#say("warnings", line, place, text);
  }

  #say(kind: "warnings" | "notes" | "skipped", { number }: NumberedLine, { path }: ConfigPlace, text: string): void {
    this.#keywords[kind].push(`${visible(path, 200)} line ${number}: ${text}`);
  }
}

function locating<T>(path: string, number: number, read: () => T): T {
  return refusing(() => placeOf(path, number), read);
}

function placeOf(path: string, number: number): string {
  return `${path} line ${number}`;
}

function refusing<T>(where: () => string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    throw new PorthopError("config.invalid", `${visible(where(), 200)}: ${error.message}`, { cause: error });
  }
}
