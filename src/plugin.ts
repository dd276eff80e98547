/**
 * The plugin contract: all that a plugin, built in or in a file of your own, may know of porthop.
 * A plugin's `setup` returns a middleware, which is run once around each flow and may hang stages and taps into its
 * two halves. plugins/README.md teaches it step by step; the promises behind it are tested in test/unit/flow.
 */
import type { Address } from "./codec/address.ts";
import type { ErrorCode, LegNumber } from "./errors.ts";
import type { ForwardKind, ForwardSide, TunnelEvent } from "./plugin/tunnel-event.ts";

export { type Address, formatAddress } from "./codec/address.ts";
export { formatBytes, formatDuration } from "./codec/units.ts";
export type { LegNumber } from "./errors.ts";
export { delayLine } from "./plugin/delay-line.ts";
export type { ForwardKind, ForwardSide, LegReport, TunnelEvent } from "./plugin/tunnel-event.ts";
export { visible } from "./text/terminal-text.ts";

/** Bytes as they came. Read-only: it may be kept, never changed, for others hold the same memory. */
export type Chunk = Uint8Array;
export type Chunks = AsyncIterable<Chunk>;
/** An async generator over one half. Returning is the half-close, throwing aborts the flow. */
export type Stage = (chunks: Chunks) => Chunks;
/** Looks at a half; cannot change it and cannot make it wait. */
export type Tap = (chunk: Chunk) => void;

/** `up` is origin to target, `down` is target to origin. */
export type Direction = "up" | "down";

/** One direction of a flow. */
export interface Half {
  /** Bytes that this half has delivered so far. */
  readonly bytes: number;
  /** Hangs a stage in, before `next()` is called. */
  pipe(stage: Stage): void;
  /**
   * Hangs a tap in, at any time: it sees the chunks that come from then on, as they are behind the stages that the plugin
   * has hung in. Returns what takes the tap away.
   */
  tap(tap: Tap): () => void;
}

/** What happens on one TCP connection, told in the order in which it happened. */
export interface Watcher {
  /** The connection stands. For leg 3 this is when the far side said so. */
  opened?(): void;
  /** The far end said no (RST). One that could not be reached at all is told to nobody here: no packet came of it. */
  refused?(error: Error): void;
  bytes?(direction: Direction, chunk: Chunk): void;
  /** No more bytes will come this way (FIN). The other way goes on. */
  ended?(direction: Direction): void;
  /** The connection broke (RST), `up` by the end that dialed, `down` by the end that accepted. */
  aborted?(by: Direction, reason: Error): void;
}

/**
 * One of the three real TCP connections behind a flow: 1 from the origin to the listener, 2 from porthop to sshd
 * (shared by all flows of a session), 3 to the target. On each of them `up` is from the end that dialed to the end
 * that accepted.
 */
export interface Leg {
  readonly number: LegNumber;
  /** Who dialed, as far as it is known. */
  readonly from: Address | undefined;
  /** Who accepted, as far as it is known. */
  readonly to: Address | undefined;
  /** True when both addresses were seen on a real socket, false when one is asked for, inferred or unknown. */
  readonly observed: boolean;
  /** Of leg 2 the id of its session, which is that of its `Wire`; undefined on the others, and in a relay. */
  readonly session: string | undefined;
  /** For legs 1 and 3. Leg 2 carries all flows at once: use `Host.onSession`. */
  watch(watcher: Watcher): void;
  /**
   * Finds out the true addresses where that takes asking: leg 3's are only known on the server, which is asked only if
   * `Host.locateTargets` was called. Resolves once they are known or were given up; never rejects.
   */
  locate(): Promise<void>;
}

/** One rule of the command line. */
export interface ForwardInfo {
  /** `L1`, `L2`, `R1`, `D1` ... in the order given. */
  readonly id: string;
  readonly kind: ForwardKind;
  /** The machine that listens. The other one connects; of a relay and its targets both are here. */
  readonly side: ForwardSide;
  /** Where it accepts; undefined for stdio. */
  readonly listen: Address | undefined;
  /** Where it goes; undefined where each connection says it (SOCKS). */
  readonly connect: Address | undefined;
}

/** One connection carried end to end. */
export interface Flow {
  /** `L1#17`: the seventeenth connection of forward L1. */
  readonly id: string;
  readonly forward: ForwardInfo;
  readonly origin: Address;
  /** Who is asked for. May be set until `next()` is called: that is a redirect. */
  target: Address;
  /** Leg 2 is the session that stands when the flow begins; where the target is dialed through a later one, that one. */
  readonly legs: readonly [Leg, Leg, Leg];
  readonly up: Half;
  readonly down: Half;
  /** Shown by the log. */
  readonly labels: Map<string, string>;
  /** Fires when the flow is aborted. */
  readonly signal: AbortSignal;
  /** How long the flow has lived, in milliseconds. */
  readonly ageMs: number;
  /** Says no before the target is dialed. */
  refuse(reason: string): never;
  /**
   * Ends the flow now: both of its connections are reset, and `signal` fires. It is a decision and no failure, at any
   * time; of several reasons the first one counts.
   */
  abort(reason: string): void;
}

/** `await next()` dials the target and carries the flow; it resolves when the flow ended and rejects when it broke. */
export type Middleware = (flow: Flow, next: () => Promise<void>) => Promise<void> | void;

/**
 * Leg 2: the connection to an sshd that carries a session. `up` is to sshd. With jump hosts there is one for each session,
 * each carried inside the one before; the flows are in the last.
 */
export interface Wire {
  /** `S1`, `S2` ... in the order in which they begin; none is used twice. The flows carried here name it on their leg 2. */
  readonly id: string;
  /** The host and port that it goes to, as the user named them. */
  readonly host: string;
  readonly port: number;
  /** Its place on the way: 1 is the session that starts here, `Host.sessions.length` the one that carries the flows. */
  readonly hop: number;
  /** Who dialed, as far as it is known: beyond the first hop that is the host before. */
  readonly from: Address | undefined;
  /** Who accepted, as far as it is known: only a ProxyCommand itself knows where it goes. */
  readonly to: Address | undefined;
  /** True when both addresses were seen on a real socket. */
  readonly observed: boolean;
  watch(watcher: Watcher): void;
}

export interface Logger {
  error(text: string): void;
  warn(text: string): void;
  info(text: string): void;
  debug(text: string): void;
}

export interface Host<O extends OptionSpecs = OptionSpecs> {
  /** porthop's own version. */
  readonly version: string;
  /** Each line is prefixed with the plugin's name. */
  readonly log: Logger;
  /** Fires when the plugin is about to be disposed. */
  readonly signal: AbortSignal;
  /** The hosts that sessions will go to, in the order in which they are passed; none for a relay, which has no leg 2. */
  readonly sessions: readonly string[];
  /** Called for each session after its connection stands and before its first byte. */
  onSession(fn: (wire: Wire) => void): void;
  /**
   * Hears what the tunnel tells, at once: from `setup` on, until disposal begins; why a start failed is told after that.
   * It looks and cannot make anybody wait. One that throws (or rejects) is dropped with one warning.
   */
  on<N extends TunnelEvent["event"]>(event: N, fn: (event: Extract<TunnelEvent, { event: N }>) => void): void;
  /**
   * Hears of a change of the options that say `live`, with all options as they are then. One that throws refuses the
   * change, and hears the options before once more.
   */
  onOptions(fn: (options: OptionValues<O>) => void): void;
  /**
   * Asks for the keys of each session that begins from now on: lines of the SSH key log that Wireshark reads
   * (`ssh.keylog_file`), without their ends, and the session's id. They come with each key exchange, and are secret: with
   * them a recording of leg 2 can be read. While nobody asks, no key is kept. One that throws is dropped with one warning.
   */
  keys(fn: (line: string, session: string) => void): void;
  /**
   * Has porthop ask the server for what only it can tell: leg 3, from where it dialed each target (a small command runs
   * there while the session lives), and leg 1, where it listens for -R. Leg 3 when left out.
   */
  locateTargets(legs?: readonly (1 | 3)[]): void;
  /** Last registered runs first. */
  onDispose(fn: () => void | Promise<void>): void;
  /** Ends `setup` with an error that the user can act on: a code of cli.md's table, what happened, what to do. */
  fail(code: ErrorCode, message: string, hint?: string): never;
}

/** What a plugin option holds, and so how its text is read and checked. */
export interface OptionTypes {
  text: string;
  /** A whole number. */
  number: number;
  /** `yes` or `no`. */
  flag: boolean;
  /** `10MB/s`, `8Mbit/s`: bytes a second. */
  rate: number;
  /** `64KB`, `1MiB`: bytes. */
  size: number;
  /** `250ms`, `30s`, `5m`: milliseconds. */
  duration: number;
}

export interface OptionSpec<T extends keyof OptionTypes = keyof OptionTypes> {
  readonly type: T;
  /** One line, for `porthop plugins` and the error messages. */
  readonly about: string;
  /** As the user would write it. An option without a default is optional and may be undefined. */
  readonly default?: string;
  /** The only values allowed. */
  readonly choices?: readonly string[];
  readonly required?: true;
  /** It may be changed while porthop runs: the plugin hears of it by `Host.onOptions`. */
  readonly live?: true;
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

export type OptionValues<O extends OptionSpecs> = {
  readonly [K in keyof O]: O[K] extends { default: string } | { required: true }
    ? OptionTypes[O[K]["type"]]
    : OptionTypes[O[K]["type"]] | undefined;
};

export interface Plugin<O extends OptionSpecs = OptionSpecs> {
  readonly name: string;
  /** One line, shown by `porthop plugins`. */
  readonly about: string;
  /** The version of this contract that the plugin is written for; 1 when left out. */
  readonly porthop?: 1;
  readonly options?: O;
  setup(host: Host<O>, options: OptionValues<O>): Middleware | Promise<Middleware>;
}

/**
 * Gives a plugin its types; does nothing else. It is the first of the toolkit: what can be called of this file is handed to
 * an external file whose default export is a function.
 */
export function definePlugin<const O extends OptionSpecs>(plugin: Plugin<O>): Plugin<O> {
  return plugin;
}
