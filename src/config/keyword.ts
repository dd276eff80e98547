/**
 * The ssh_config keywords that porthop understands, each with how its value is read. `-o` and the flags that stand for
 * a keyword (-p, -l, -i ...) fill one record; as in ssh the first value of a keyword wins, IdentityFile collects.
 */
import { hostFlaw } from "../codec/host-port.ts";
import { Malformed } from "../codec/malformed.ts";
import { didYouMean } from "../codec/nearest.ts";
import { quoted, visible } from "../codec/terminal-text.ts";
import { parseDuration } from "../codec/units.ts";

/** What a value means. `ignored` keywords change nothing that porthop does: they are taken with a warning. */
type Reading = "text" | "host" | "list" | "yes-no" | "number" | "seconds" | "ignored" | readonly string[];

export const keywords = {
  AddressFamily: ["any", "inet", "inet6"],
  BatchMode: "yes-no",
  Ciphers: "text",
  Compression: "yes-no",
  ConnectTimeout: "seconds",
  ExitOnForwardFailure: "yes-no",
  GatewayPorts: "yes-no",
  GlobalKnownHostsFile: "list",
  HashKnownHosts: "yes-no",
  HostKeyAlias: "text",
  HostName: "host",
  IdentitiesOnly: "yes-no",
  IdentityAgent: "text",
  IdentityFile: "text",
  KbdInteractiveAuthentication: "yes-no",
  KexAlgorithms: "text",
  LogLevel: ["quiet", "fatal", "error", "info", "verbose", "debug", "debug1", "debug2", "debug3"],
  MACs: "text",
  NumberOfPasswordPrompts: "number",
  PasswordAuthentication: "yes-no",
  Port: "number",
  PubkeyAuthentication: "yes-no",
  ServerAliveCountMax: "number",
  ServerAliveInterval: "seconds",
  StrictHostKeyChecking: ["yes", "accept-new", "ask", "no", "off", "true", "false"],
  User: "text",
  UserKnownHostsFile: "list",
  CheckHostIP: "ignored",
  ControlMaster: "ignored",
  ControlPath: "ignored",
  ControlPersist: "ignored",
  ForwardAgent: "ignored",
  ForwardX11: "ignored",
  RequestTTY: "ignored",
  TCPKeepAlive: "ignored",
  UpdateHostKeys: "ignored",
  VisualHostKey: "ignored",
} as const satisfies Record<string, Reading>;

export type Keyword = keyof typeof keywords;

/** setTimeout takes anything longer for 1 ms. */
export const longestTimerMs = 2 ** 31 - 1;

/** Other names of the same keyword (readconf.c). */
const aliases: readonly (readonly [string, Keyword])[] = [
  ["challengeresponseauthentication", "KbdInteractiveAuthentication"],
  ["keyboardinteractiveauthentication", "KbdInteractiveAuthentication"],
  ["skeyauthentication", "KbdInteractiveAuthentication"],
  ["dsaauthentication", "PubkeyAuthentication"],
];

const byLowerCase: ReadonlyMap<string, Keyword> = new Map([
  ...Object.keys(keywords).map((keyword) => [keyword.toLowerCase(), keyword as Keyword] as const),
  ...aliases,
]);

export class Keywords {
  readonly #values = new Map<Keyword, string[]>();
  /** Keywords that were taken and change nothing. */
  readonly ignored: string[] = [];

  /** `Keyword=value` or `Keyword value`, as after -o. */
  addLine(line: string): void {
    const match = /^\s*([A-Za-z0-9]+)\s*(?:=|\s)\s*(.*)$/s.exec(line);
    const [, name, value] = match ?? [];
    if (name === undefined || value === undefined || value.trim() === "") {
      throw new Malformed(`-o ${quoted(line)} is not Keyword=value`);
    }
    const keyword = byLowerCase.get(name.toLowerCase());
    if (keyword === undefined) {
      throw new Malformed(
        `-o ${visible(name, 80)}: porthop does not have this keyword${didYouMean(name, Object.keys(keywords))}`,
      );
    }
    this.add(keyword, keywords[keyword] === "list" ? value.trim() : unquote(value.trim()));
  }

  add(keyword: Keyword, value: string): void {
    check(keyword, value);
    if (keywords[keyword] === "ignored") this.ignored.push(keyword);
    const values = this.#values.get(keyword);
    if (values === undefined) this.#values.set(keyword, [value]);
    else if (keyword === "IdentityFile") values.push(value);
  }

  text(keyword: Keyword): string | undefined {
    return this.#values.get(keyword)?.[0];
  }

  all(keyword: Keyword): readonly string[] {
    return this.#values.get(keyword) ?? [];
  }

  /** Several in one value are separated by blanks; one that holds a blank stands in quotes (ssh_config(5)). */
  list(keyword: Keyword): readonly string[] | undefined {
    return this.text(keyword)
      ?.match(/"[^"]*"|'[^']*'|\S+/g)
      ?.map(unquote);
  }

  flag(keyword: Keyword, otherwise: boolean): boolean {
    const text = this.text(keyword)?.toLowerCase();
    return text === undefined ? otherwise : text === "yes" || text === "true";
  }

  number(keyword: Keyword): number | undefined {
    const text = this.text(keyword);
    return text === undefined ? undefined : Number(text);
  }

  /** A time of ssh's (`30`, `1m30s`) in milliseconds, `none` being 0; never longer than a timer can wait. */
  time(keyword: Keyword): number | undefined {
    const text = this.text(keyword);
    if (text === undefined) return undefined;
    return text.toLowerCase() === "none" ? 0 : Math.min(longestTimerMs, parseDuration(text));
  }
}

function check(keyword: Keyword, value: string): void {
  const reading: Reading = keywords[keyword];
  const lower = value.toLowerCase();
  const expect = (is: boolean, what: string) => {
    if (!is) throw new Malformed(`${keyword}: ${quoted(value)} is not ${what}`);
  };
  if (typeof reading === "object") expect(reading.includes(lower), `one of ${reading.join(", ")}`);
  else if (reading === "yes-no") expect(["yes", "no", "true", "false"].includes(lower), "yes or no");
  else if (reading === "number") expect(/^\d{1,9}$/.test(value), "a number");
  else if (reading === "host") refuseFlaw(keyword, hostFlaw(value));
  else if (reading === "seconds" && lower !== "none") refuseFlaw(keyword, durationFlaw(value));
}

function refuseFlaw(keyword: Keyword, flaw: string | undefined): void {
  if (flaw !== undefined) throw new Malformed(`${keyword}: ${flaw}`);
}

function durationFlaw(value: string): string | undefined {
  try {
    parseDuration(value);
    return undefined;
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    return error.message;
  }
}

/** One pair of quotes around the whole value is not part of it. */
function unquote(value: string): string {
  return /^("[^"]*"|'[^']*')$/.test(value) ? value.slice(1, -1) : value;
}
