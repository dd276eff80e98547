/**
 * The ssh_config keywords that porthop understands, each with how its value is read. `-o`, files and the flags that stand
 * for a keyword (-p, -l, -i ...) fill one record; as in ssh the first value of a keyword wins, IdentityFile collects.
 */
import { parseDuration } from "../../codec/units.ts";
import { checkReading, isVariant, type Reading, words } from "./keyword-value.ts";

export const keywords = {
  AddressFamily: ["any", "inet", "inet6"],
  BatchMode: "yes-no",
  BindAddress: "host",
  CASignatureAlgorithms: "publicKey",
  CertificateFile: "text",
  Ciphers: "cipher",
  ClearAllForwardings: "yes-no",
  Compression: "yes-no",
  ConnectionAttempts: "count",
  ConnectTimeout: "seconds",
  DynamicForward: "forward",
  EscapeChar: "escape",
  ExitOnForwardFailure: "yes-no",
  ForwardAgent: "text",
  ForwardX11: "yes-no",
  ForwardX11Timeout: "seconds",
  ForwardX11Trusted: "yes-no",
  GatewayPorts: "yes-no",
  GlobalKnownHostsFile: "list",
  HashKnownHosts: "yes-no",
  HostKeyAlgorithms: "hostKey",
  HostKeyAlias: "text",
  HostName: "host",
  IdentitiesOnly: "yes-no",
  IdentityAgent: "text",
  IdentityFile: "text",
  IgnoreUnknown: "text",
  KbdInteractiveAuthentication: "yes-no",
  KexAlgorithms: "kex",
  LocalForward: "forward",
  LogLevel: ["quiet", "fatal", "error", "info", "verbose", "debug", "debug1", "debug2", "debug3"],
  MACs: "mac",
  NumberOfPasswordPrompts: "number",
  PasswordAuthentication: "yes-no",
  PermitRemoteOpen: "remote-open",
  Port: "number",
  PreferredAuthentications: "text",
  ProxyCommand: "command",
  ProxyJump: "jumps",
  PorthopAskServer: "yes-no",
  PorthopCapture: "file",
  PorthopLog: ["silent", "error", "warn", "info", "debug"],
  PorthopRateLimit: "rate",
  PorthopUse: "plugin",
  PubkeyAcceptedAlgorithms: "publicKey",
  PubkeyAuthentication: "yes-no",
  RemoteCommand: "text",
  RemoteForward: "forward",
  RequiredRSASize: "number",
  RevokedHostKeys: "text",
  RequestTTY: ["no", "yes", "force", "auto", "true", "false"],
  SendEnv: "text",
  ServerAliveCountMax: "number",
  ServerAliveInterval: "seconds",
  StreamLocalBindMask: "octal",
  StreamLocalBindUnlink: "yes-no",
  SessionType: ["none", "default", "subsystem"],
  SetEnv: "list",
  StdinNull: "yes-no",
  StrictHostKeyChecking: ["yes", "accept-new", "ask", "no", "off", "true", "false"],
  TCPKeepAlive: "yes-no",
  User: "text",
  UpdateHostKeys: ["yes", "no", "ask", "true", "false"],
  UserKnownHostsFile: "list",
  XAuthLocation: "text",
  AddKeysToAgent: "ignored",
  CheckHostIP: "ignored",
  ControlMaster: "ignored",
  ControlPath: "ignored",
  ControlPersist: "ignored",
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
  ["identityfile2", "IdentityFile"],
  ["keepalive", "TCPKeepAlive"],
  ["pubkeyacceptedkeytypes", "PubkeyAcceptedAlgorithms"],
  ["tisauthentication", "KbdInteractiveAuthentication"],
];

/** Those that collect all their values instead of keeping the first. */
const collecting: ReadonlySet<Keyword> = new Set([
  "CertificateFile",
  "DynamicForward",
  "IdentityFile",
  "LocalForward",
  "PorthopUse",
  "RemoteForward",
  "SendEnv",
]);

const byLowerCase: ReadonlyMap<string, Keyword> = new Map([
  ...Object.keys(keywords).map((keyword) => [keyword.toLowerCase(), keyword as Keyword] as const),
  ...aliases,
]);

/** The keyword of this name, in whatever case, or an older name of it. */
export function findKeyword(name: string): Keyword | undefined {
  return byLowerCase.get(name.toLowerCase());
}

export class Keywords {
  readonly #values = new Map<Keyword, string[]>();
  /** Of a list that was cut into its words already. */
  readonly #lists = new Map<Keyword, readonly string[]>();
  /** File and line of each value that is of a configuration file. */
  readonly #places = new Map<Keyword, (string | undefined)[]>();
  #place: string | undefined;
  /** Keywords that were taken and change nothing. */
  readonly ignored: string[] = [];
  /** What is to be said of the configuration files once the log is there. */
  readonly warnings: string[] = [];
  /** The same, for those who ask what goes on (-v). */
  readonly notes: string[] = [];

  add(keyword: Keyword, given: string): void {
    const value = isVariant(keyword, given) ? "yes" : given;
    checkReading(keyword, keywords[keyword], value);
    if (keywords[keyword] === "ignored") this.ignored.push(keyword);
    const values = this.#values.get(keyword);
    if (values === undefined) {
      this.#values.set(keyword, [value]);
      this.#places.set(keyword, [this.#place]);
    } else if (collecting.has(keyword) && (keyword === "SendEnv" || !values.includes(value))) {
      values.push(value);
      this.#places.get(keyword)?.push(this.#place);
    }
  }

  /** A value of a configuration file, where a keyword that changes nothing is not worth a word. */
  addQuietly(keyword: Keyword, value: string): void {
    const before = this.ignored.length;
    this.add(keyword, value);
    this.ignored.length = before;
  }

  /** A list whose words no longer have their quotes. */
  addList(keyword: Keyword, list: readonly string[]): void {
    if (!this.#values.has(keyword)) this.#lists.set(keyword, list);
    this.addQuietly(keyword, list.join(" "));
  }

  /** What is added meanwhile is said to be of this place. */
  addingFrom(place: string, add: () => void): void {
    this.#place = place;
    try {
      add();
    } finally {
      this.#place = undefined;
    }
  }

  /** What a message about the value begins with: the file and line that it is of, nothing for the command line. */
  placeOf(keyword: Keyword): string {
    const place = this.#places.get(keyword)?.[0];
    return place === undefined ? "" : `${place}: `;
  }

  /** The same for each value that is of a file. */
  placesOf(keyword: Keyword): ReadonlyMap<string, string> {
    const places = this.#places.get(keyword) ?? [];
    return new Map(
      this.all(keyword).flatMap((value, index) => {
        const place = places[index];
        return place === undefined ? [] : [[value, place] as const];
      }),
    );
  }

  /** Takes over what another says of these keywords, where nothing is said here. */
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

  /** In place of what there is. */
  put(keyword: Keyword, value: string): void {
    checkReading(keyword, keywords[keyword], value);
    this.#values.set(keyword, [value]);
  }

  /** Changes what is there, each value or each word of a list: tokens are filled in. */
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

  /** Those that have a value. */
  given(): readonly Keyword[] {
    return [...this.#values.keys()];
  }

  text(keyword: Keyword): string | undefined {
    return this.#values.get(keyword)?.[0];
  }

  /** Of two that are given, which came first; one that is not given came last. */
  isBefore(one: Keyword, other: Keyword): boolean {
    const first = [...this.#values.keys()].find((keyword) => keyword === one || keyword === other);
    return first === one;
  }

  all(keyword: Keyword): readonly string[] {
    return this.#values.get(keyword) ?? [];
  }

  /** Several in one value are separated by blanks; one that holds a blank stands in quotes (ssh_config(5)). */
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

  /** Octal, as file modes are written. */
  octal(keyword: Keyword): number | undefined {
    const text = this.text(keyword);
    return text === undefined ? undefined : Number.parseInt(text, 8);
  }

  /** A time of ssh's (`30`, `1m30s`) in milliseconds, `none` being 0; never longer than a timer can wait. */
  time(keyword: Keyword): number | undefined {
    const text = this.text(keyword);
    if (text === undefined) return undefined;
    return text.toLowerCase() === "none" ? 0 : Math.min(longestTimerMs, parseDuration(text));
  }
}
