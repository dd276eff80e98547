/**
 * The values of the keywords that porthop does not have, judged as ssh judges them (readconf.c, misc.c): a line that ssh
 * refuses is refused here too.
 */
import { parseAlgorithmList } from "../../codec/config/algorithm-list.ts";
import type { ConfigLine } from "../../codec/config/config-line.ts";
import { Malformed } from "../../codec/malformed.ts";
import { isSshTime } from "../../codec/units.ts";
import { quoted } from "../../text/terminal-text.ts";

/** The shape of a value. A list of words stands for one of these words, in any case. */
export type ValueShape = keyof typeof shapes | readonly string[];

interface Shape {
  /** What a good value is, for the message about another one. */
  readonly what: string;
  /** How many words there may be; any number when left out. */
  readonly most?: number;
  readonly fits: (words: readonly string[]) => boolean;
}

/** Throws Malformed for a value that ssh refuses. Returns the words of the value with one blank between them. */
export function readOtherValue(name: string, shape: ValueShape, { arguments: words }: ConfigLine): string {
  const { what, most = words.length, fits } = typeof shape === "string" ? (shapes[shape] as Shape) : oneOf(shape);
  const value = words.slice(0, most);
  if (!fits(value)) {
    throw new Malformed(
      value.join("") === "" ? `${name}: the value is empty` : `${name}: ${quoted(value.join(" "))} is not ${what}`,
    );
  }
  const extra = words[most];
  if (extra !== undefined) throw new Malformed(`${name}: ${quoted(extra)} is one word too many`);
  return words.join(" ");
}

const shapes = {
  /** What ssh itself does not look at. */
  anything: { what: "anything", fits: () => true },
  /** A command, to the end of the line. */
  line: { what: "a command", fits: () => true },
  word: oneWord("a word", (word) => word !== ""),
  words: { what: "words, or none alone", fits: (words) => words.every((word) => word !== "") && isNoneAlone(words) },
  "yes-no": oneOf(["yes", "no", "true", "false"], "yes or no"),
  integer: oneWord("a number", (word) => /^\d{1,10}$/.test(word) && Number(word) < 2 ** 31),
  "agent keys": { what: "yes, no, ask, confirm or a time", most: 2, fits: isWishForAgent },
  persistence: oneWord("yes, no or a time", (word) => /^(?:yes|no|true|false)$/.test(word) || isSshTime(word)),
  domains: list("domains, or none alone", (word) => /^[a-z\d_](?:[a-z\d_-]|\.(?!\.))*$/i.test(word)),
  names: list("lists of names such as *.a:*.b, or none alone", (word) => /^(?:none|\*|[^:]*:.+)$/is.test(word)),
  timeouts: list("timeouts such as session=5m, or none alone", isTimeout),
  facility: oneWord("a facility of syslog", (word) => /^(?:daemon|user|auth|authpriv|local[0-7])$/i.test(word)),
  devices: oneWord(
    "a device, or two such as 0:any",
    (word) => word.split(":", 2).every(isDevice) && !/:.*:/.test(word),
  ),
  keystrokes: oneWord("yes, no or interval:MILLISECONDS", isKeystrokeTiming),
  "key algorithms": oneWord("a list of public key algorithms", isKeyAlgorithmList),
  "gssapi exchanges": oneWord("a list of GSSAPI key exchanges", (word) => word.split(",").every(isGssapiExchange)),
  "service classes": {
    what: "one or two classes of service",
    most: 2,
    fits: (words) => words.length > 0 && words.every(isServiceClass),
  },
} as const satisfies Readonly<Record<string, Shape>>;

function oneWord(what: string, isGood: (word: string) => boolean): Shape {
  return { what, most: 1, fits: ([word]) => word !== undefined && isGood(word) };
}

function oneOf(words: readonly string[], what = `one of ${words.join(", ")}`): Shape {
  return oneWord(what, (word) => words.includes(word.toLowerCase()));
}

function list(what: string, isGood: (word: string) => boolean): Shape {
  return { what, fits: (words) => words.length > 0 && words.every(isGood) && isNoneAlone(words) };
}

function isNoneAlone(words: readonly string[]): boolean {
  return words.length < 2 || !words.some((word) => word.toLowerCase() === "none");
}

function isWishForAgent([wish = "", time]: readonly string[]): boolean {
  if (time !== undefined) return wish.toLowerCase() === "confirm" && isSshTime(time);
  return /^(?:yes|no|true|false|ask|confirm)$/i.test(wish) || isSshTime(wish);
}

function isTimeout(word: string): boolean {
  const equals = word.indexOf("=");
  return word.toLowerCase() === "none" || (equals > 0 && isSshTime(word.slice(equals + 1)));
}

/** SSH_TUNID_MAX of misc.h is 2^31 - 3. */
function isDevice(word: string): boolean {
  return word.toLowerCase() === "any" || (/^\d{1,10}$/.test(word) && Number(word) <= 2 ** 31 - 3);
}

function isKeystrokeTiming(word: string): boolean {
  const interval = /^interval:(\d{1,4})$/.exec(word)?.[1];
  return /^(?:yes|no|true|false)$/.test(word) || (Number(interval) > 0 && Number(interval) <= 1000);
}

function isKeyAlgorithmList(word: string): boolean {
  if (word === "") return false;
  parseAlgorithmList("publicKey", word);
  return true;
}

/** The names of RFC 8732, without the end that stands for the mechanism. */
function isGssapiExchange(name: string): boolean {
  return /^gss-(?:gex-sha1|group1-sha1|group14-sha(?:1|256)|group16-sha512|nistp256-sha256|curve25519-sha256)-$/.test(
    name,
  );
}

function isServiceClass(word: string): boolean {
  const isNamed = /^(?:none|af[1-4][1-3]|cs[0-7]|ef|le|lowdelay|throughput|reliability)$/i.test(word);
  return isNamed || (/^\d{1,3}$/.test(word) && Number(word) <= 255);
}
