/**
 * A porthop with nothing behind it, for testing a plugin alone: a host that keeps the log, and flows whose legs report
 * "opened", bytes, "ended" or "aborted" when the test says so.
 */
import type { TcpAddress } from "../../src/codec/address.ts";
import { type ErrorCode, PorthopError } from "../../src/errors.ts";
import { readOptions } from "../../src/forward/plan/plugin-options.ts";
import type {
  Address,
  Chunk,
  Chunks,
  Direction,
  Flow,
  ForwardInfo,
  ForwardKind,
  Half,
  Host,
  Leg,
  LegNumber,
  Logger,
  Middleware,
  OptionSpecs,
  OptionValues,
  Plugin,
  Stage,
  Tap,
  Watcher,
  Wire,
} from "../../src/plugin.ts";

/** Sets a plugin up, with options in the form in which a user writes them. */
export async function setUp(
  plugin: Plugin,
  options: Readonly<Record<string, string>> = {},
  sessions?: readonly string[],
): Promise<{ readonly host: ScriptedHost; readonly middleware: Middleware }> {
  const host = new ScriptedHost(sessions);
  const values = readOptions(plugin.options ?? {}, new Map(Object.entries(options)));
  return { host, middleware: await plugin.setup(host, values) };
}

export class ScriptedHost implements Host {
  readonly version = "0.1.0";
  readonly sessions: readonly string[];
  readonly strands: number;
  /** The log, each line with its level in front: `info 3 packets`. */
  readonly lines: string[] = [];
  /** The levels of which no line is shown. */
  readonly hidden: ReadonlySet<string>;
  readonly log: Logger = {
    error: (text) => this.lines.push(`error ${text}`),
    warn: (text) => this.lines.push(`warn ${text}`),
    info: (text) => this.lines.push(`info ${text}`),
    debug: (text) => this.lines.push(`debug ${text}`),
    shows: (level) => !this.hidden.has(level),
  };
  readonly locates = new Set<1 | 3>();
  #sessions = 0;
  readonly #stopped = new AbortController();
  readonly #onSession: ((wire: Wire) => void)[] = [];
  readonly #options: ((options: OptionValues<OptionSpecs>) => void)[] = [];
  readonly #disposers: (() => void | Promise<void>)[] = [];

  constructor(sessions: readonly string[] = ["vishnu"], strands = 1, hidden: readonly string[] = []) {
    this.hidden = new Set(hidden);
    this.sessions = sessions;
    this.strands = strands;
  }

  get signal(): AbortSignal {
    return this.#stopped.signal;
  }

  onSession(fn: (wire: Wire) => void): void {
    this.#onSession.push(fn);
  }

  /** Nothing is told here, nor are there keys: the made-up tunnel of src/plugin-kit.ts has both. */
  on(): void {}

  keys(): void {}

  onOptions(fn: (options: OptionValues<OptionSpecs>) => void): void {
    this.#options.push(fn);
  }

  /** The options have changed to these. */
  changeOptions(options: OptionValues<OptionSpecs>): void {
    for (const fn of this.#options) fn(options);
  }

  locateTargets(legs: readonly (1 | 3)[] = [3]): void {
    for (const leg of legs) this.locates.add(leg);
  }

  onDispose(fn: () => void | Promise<void>): void {
    this.#disposers.push(fn);
  }

  fail(code: ErrorCode, message: string, hint?: string): never {
    throw new PorthopError(code, message, { hint });
  }

  /** Plays a session whose TCP connection is open. */
  startSession(host: string, from: TcpAddress, to: TcpAddress): ScriptedWire {
    return this.startHop({ host, port: to.port, hop: 1, from, to, observed: true });
  }

  /** Plays a session with any hop on the way. Sessions are named in their order. */
  startHop(facts: WireFacts): ScriptedWire {
    this.#sessions += 1;
    const wire = new ScriptedWire({ id: `S${this.#sessions}`, ...facts });
    for (const fn of this.#onSession) fn(wire);
    return wire;
  }

  async dispose(): Promise<void> {
    this.#stopped.abort();
    for (const run of this.#disposers.splice(0).reverse()) await run();
  }
}

/** Passes on to all watchers what the test says. */
class Watched {
  readonly #watchers: Watcher[] = [];

  watch(watcher: Watcher): void {
    this.#watchers.push(watcher);
  }

  opened(): void {
    for (const watcher of this.#watchers) watcher.opened?.();
  }

  refused(error: Error): void {
    for (const watcher of this.#watchers) watcher.refused?.(error);
  }

  bytes(direction: Direction, chunk: Chunk): void {
    for (const watcher of this.#watchers) watcher.bytes?.(direction, chunk);
  }

  ended(direction: Direction): void {
    for (const watcher of this.#watchers) watcher.ended?.(direction);
  }

  aborted(by: Direction, reason: Error): void {
    for (const watcher of this.#watchers) watcher.aborted?.(by, reason);
  }
}

/** The session `S1` of the first strand, unless said otherwise. */
export type WireFacts = Omit<Wire, "watch" | "id" | "strand"> & Partial<Pick<Wire, "id" | "strand">>;

export class ScriptedWire extends Watched implements Wire {
  readonly id: string;
  readonly strand: number;
  readonly host: string;
  readonly port: number;
  readonly hop: number;
  readonly from: Address | undefined;
  readonly to: Address | undefined;
  readonly observed: boolean;

  constructor(facts: WireFacts) {
    super();
    this.id = facts.id ?? "S1";
    this.strand = facts.strand ?? 1;
    this.host = facts.host;
    this.port = facts.port;
    this.hop = facts.hop;
    this.from = facts.from;
    this.to = facts.to;
    this.observed = facts.observed;
  }
}

export class ScriptedLeg extends Watched implements Leg {
  readonly number: LegNumber;
  from: Address | undefined;
  to: Address | undefined;
  observed = false;
  session: string | undefined;
  /** `locate` waits for this. The test sets the addresses and then lets this resolve. */
  located: Promise<void> = Promise.resolve();

  constructor(number: LegNumber) {
    super();
    this.number = number;
  }

  locate(): Promise<void> {
    return this.located;
  }
}

export class ScriptedHalf implements Half {
  bytes = 0;
  readonly #stages: Stage[] = [];
  readonly #taps = new Set<Tap>();

  pipe(stage: Stage): void {
    this.#stages.push(stage);
  }

  tap(tap: Tap): () => void {
    this.#taps.add(tap);
    return () => void this.#taps.delete(tap);
  }

  /** Sends chunks through the stages, in the order in which the stages were added. */
  through(chunks: Chunks): Chunks {
    return this.#stages.reduce((passed, stage) => stage(passed), chunks);
  }
}

export interface FlowFacts {
  readonly id?: string;
  readonly forward?: ForwardInfo;
  readonly origin?: Address;
  readonly target?: Address;
}

/** A forward of a kind, of which nothing else matters. */
export function forwardOfKind(kind: ForwardKind, listen?: Address): ForwardInfo {
  const side = kind === "remote" || kind === "reverse-dynamic" ? "server" : "here";
  return { id: "X1", kind, side, listen, connect: undefined };
}

const forward: ForwardInfo = {
  id: "L1",
  kind: "local",
  side: "here",
  listen: { host: "127.0.0.1", port: 3456 },
  connect: { host: "127.0.0.1", port: 80 },
};

/** A flow that counts as carried until the test says how it ended. */
export class ScriptedFlow implements Flow {
  readonly id: string;
  readonly forward: ForwardInfo;
  readonly origin: Address;
  target: Address;
  readonly legs: readonly [ScriptedLeg, ScriptedLeg, ScriptedLeg] = [
    new ScriptedLeg(1),
    new ScriptedLeg(2),
    new ScriptedLeg(3),
  ];
  readonly up = new ScriptedHalf();
  readonly down = new ScriptedHalf();
  readonly labels = new Map<string, string>();
  ageMs = 0;
  readonly #abort = new AbortController();
  readonly #over = Promise.withResolvers<void>();

  constructor(facts: FlowFacts = {}) {
    this.id = facts.id ?? "L1#1";
    this.forward = facts.forward ?? forward;
    this.origin = facts.origin ?? { host: "127.0.0.1", port: 40_000 };
    this.target = facts.target ?? { host: "127.0.0.1", port: 80 };
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  refuse(reason: string): never {
    throw new PorthopError("target.prohibited", reason);
  }

  abort(reason: string): void {
    this.break(new PorthopError("cancelled", reason));
  }

  /** Runs the middleware around the flow. Settles when the middleware does. */
  async enter(middleware: Middleware): Promise<void> {
    await middleware(this, () => this.#over.promise);
  }

  /** Makes `next()` resolve: both halves have ended. */
  finish(): void {
    this.#over.resolve();
  }

  /** Makes `next()` reject: the flow was refused or broke. */
  break(reason: Error): void {
    this.#abort.abort(reason);
    this.#over.reject(reason);
  }
}
