/**
 * The plugin contract: everything that a plugin, built in or in a file of your own, may know of porthop.
 * porthop calls a plugin's `setup` once. `setup` returns a middleware, which porthop calls once for each flow. The
 * middleware may hang stages and taps into the two halves of the flow.
 * plugins/README.md teaches the contract step by step. The tests in test/unit/flow hold its promises.
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

/**
 * Bytes as they arrived, cut anywhere: a chunk is not a message. A plugin may keep a chunk and must never write to it,
 * because porthop and other plugins use the same memory.
 */
export type Chunk = Uint8Array;
export type Chunks = AsyncIterable<Chunk>;
/**
 * An async generator over the chunks of one half: what it yields goes on. A return ends the half (half-close); the
 * other half goes on. A throw aborts the flow.
 */
export type Stage = (chunks: Chunks) => Chunks;
/**
 * Looks at the chunks of a half. A tap cannot change chunks or delay them. A tap that throws is dropped, with one
 * warning.
 */
export type Tap = (chunk: Chunk) => void;

/** On a flow, `up` is from the origin to the target, and `down` is from the target to the origin. */
export type Direction = "up" | "down";

/** One direction of a flow. */
export interface Half {
  /** How many bytes have left the last stage and were written to the other end. */
  readonly bytes: number;
  /** Hangs in a stage. Call `pipe` before `next()`; a later call throws. */
  pipe(stage: Stage): void;
  /**
   * Hangs in a tap, at any time. The tap sees the chunks that come after this call. The returned function takes the tap
   * away. Calls of `pipe` and `tap` are places in a row from the origin to the target: a tap stands behind all stages
   * that its plugin has hung in before. So on `up` the tap sees what these stages yield, and on `down` what they will
   * get.
   */
  tap(tap: Tap): () => void;
}

/**
 * Hears what happens on one TCP connection, in the order in which it happens. All methods are optional. A watcher that
 * throws is dropped with one warning, and the connection goes on.
 */
export interface Watcher {
  /** The connection is established. For leg 3 that is the moment when the far side said so. */
  opened?(): void;
  /**
   * The target said no (RST); only leg 3 has this. A target that could not be reached at all is not told here, because
   * no packet came from that target.
   */
  refused?(error: Error): void;
  /** These bytes passed. The chunk must not be written to. */
  bytes?(direction: Direction, chunk: Chunk): void;
  /** No more bytes will come in this direction (FIN). The other direction goes on. */
  ended?(direction: Direction): void;
  /** The connection broke (RST). `by` is `up` when the end that dialed broke it, `down` when the other end did. */
  aborted?(by: Direction, reason: Error): void;
}

/**
 * One of the three real TCP connections behind a flow: leg 1 from the origin to the listener, leg 2 from porthop to
 * sshd (shared by all flows of a session), leg 3 to the target. On a leg, `up` is from the end that dialed to the end
 * that accepted.
 */
export interface Leg {
  readonly number: LegNumber;
  /** The address that dialed; undefined while unknown. */
  readonly from: Address | undefined;
  /** The address that accepted; undefined while unknown. */
  readonly to: Address | undefined;
  /** True when both addresses were seen on a real socket. False when one is only requested, inferred or unknown. */
  readonly observed: boolean;
  /** On leg 2 the id of the session, equal to `Wire.id`. Undefined on legs 1 and 3, and in a relay. */
  readonly session: string | undefined;
  /**
   * Hears what happens on leg 1 or 3. A watcher that comes late is told at once that the connection has opened. Throws
   * on leg 2, which carries all flows at once: use `Host.onSession` there.
   */
  watch(watcher: Watcher): void;
  /**
   * Waits for the true addresses where only the server knows them: leg 3's `from`, for example. porthop asks the server
   * only when a plugin has called `Host.locateTargets`. Resolves when the addresses are known, or when nobody can know
   * them. Never rejects.
   */
  locate(): Promise<void>;
}

/** One forward, which is one rule of the command line such as `-L 8080:localhost:80`. */
export interface ForwardInfo {
  /** `L1`, `L2`, `R1`, `D1` ..., counted for each letter in the order of the command line. */
  readonly id: string;
  readonly kind: ForwardKind;
  /** The machine that listens. The other machine connects. In a relay, both are this machine (`here`). */
  readonly side: ForwardSide;
  /** Where the forward accepts connections. Undefined for stdin and stdout (`-W`). */
  readonly listen: Address | undefined;
  /** Where the forward connects to. Undefined when each connection names its target itself (SOCKS, HTTP CONNECT). */
  readonly connect: Address | undefined;
}

/** One connection, carried from its origin to its target. */
export interface Flow {
  /** `L1#17` is the seventeenth connection of forward L1. */
  readonly id: string;
  readonly forward: ForwardInfo;
  /** Who connected. */
  readonly origin: Address;
  /** Who is asked for. A plugin may set another target before `next()` (a redirect). After that, setting it throws. */
  target: Address;
  /**
   * Legs 1, 2 and 3, in this order. Leg 2 is the session that is up when the flow begins. When the target is dialed
   * through a later session, because the first one was lost, leg 2 becomes that session.
   */
  readonly legs: readonly [Leg, Leg, Leg];
  readonly up: Half;
  readonly down: Half;
  /** Names and values that a plugin adds; the log shows them. All plugins of the flow share this map. */
  readonly labels: Map<string, string>;
  /** Fires when the flow is aborted or refused. Stop waiting for other things then. */
  readonly signal: AbortSignal;
  /** How long the flow has lived, in milliseconds. */
  readonly ageMs: number;
  /**
   * Ends the flow before the target is dialed, by throwing. Call `refuse` before `next()` and do not catch the error.
   */
  refuse(reason: string): never;
  /**
   * Ends the flow now: both connections are reset, and `signal` fires. May be called at any time. porthop reports this
   * as a decision of the plugin and not as a failure. When several callers give reasons, the first reason counts.
   */
  abort(reason: string): void;
}

/**
 * Runs around each flow. `await next()` dials the target and carries the flow. Its promise resolves when the flow has
 * ended, and rejects when the flow was refused or broke; let that error pass on. Call `next` at most once: a middleware
 * that returns without a call of `next` refuses the flow. A middleware that throws ends its own flow and no other.
 */
export type Middleware = (flow: Flow, next: () => Promise<void>) => Promise<void> | void;

/**
 * Leg 2: the connection to an sshd that carries one session. `up` is to sshd. With jump hosts there is one wire for
 * each session, and each wire goes through the session before. The last session carries the flows.
 */
export interface Wire {
  /** `S1`, `S2` ... in the order in which sessions begin. No id is used twice. Flows have the id on their leg 2. */
  readonly id: string;
  /** The host and port of the sshd, as the user named them. */
  readonly host: string;
  readonly port: number;
  /** The place on the way: 1 is the session that starts here, the last of `Host.sessions` is the one with the flows. */
  readonly hop: number;
  /** Which of `--sessions` it is, from 1. A session that is made again after a loss has the number of the lost one. */
  readonly strand: number;
  /**
   * The address that dialed. Undefined when unknown: beyond hop 1 the host before dials, and we cannot see its address.
   */
  readonly from: Address | undefined;
  /** The address that accepted. Undefined behind a ProxyCommand, because only the command knows where it goes. */
  readonly to: Address | undefined;
  /** True when both addresses were seen on a real socket. */
  readonly observed: boolean;
  /** Hears what happens on the wire. The bytes are ciphertext. */
  watch(watcher: Watcher): void;
}

/** Writes lines for the user. `debug` lines are shown with `--log debug`. */
export interface Logger {
  error(text: string): void;
  warn(text: string): void;
  info(text: string): void;
  debug(text: string): void;
  /** Whether lines of this level are shown. Ask first where a line is costly to make; the answer does not change. */
  shows(level: "error" | "warn" | "info" | "debug"): boolean;
}

/** What `setup` is given. Everything here lives as long as porthop runs, also when a session is lost and made again. */
export interface Host<O extends OptionSpecs = OptionSpecs> {
  /** porthop's own version. */
  readonly version: string;
  /** Each line begins with the plugin's name. */
  readonly log: Logger;
  /** Fires when porthop stops, just before the functions of `onDispose` run. */
  readonly signal: AbortSignal;
  /** The hosts of the sessions, in the order in which they are reached. Empty for a relay, which has no leg 2. */
  readonly sessions: readonly string[];
  /** How many sessions share the work (`--sessions`): each `Wire.strand` is one of them. */
  readonly strands: number;
  /**
   * Calls `fn` for each session, when its connection is established and before its first byte. Watch the wire in `fn`.
   */
  onSession(fn: (wire: Wire) => void): void;
  /**
   * Calls `fn` at once for each event of this name, from `setup` on until disposal begins. `fn` cannot delay anybody.
   * An `fn` that throws or rejects is dropped with one warning. When porthop cannot start, the reason is told only
   * after disposal, and plugins do not hear the reason.
   */
  on<N extends TunnelEvent["event"]>(event: N, fn: (event: Extract<TunnelEvent, { event: N }>) => void): void;
  /**
   * Calls `fn` when options with `live` change, with the values of all options after the change. An `fn` that throws
   * refuses the change, and is then called again with the old values.
   */
  onOptions(fn: (options: OptionValues<O>) => void): void;
  /**
   * Asks for the keys of each session that begins after this call. `fn` gets one line of the SSH key log that Wireshark
   * reads (`ssh.keylog_file`), without a line end, and the session's id. Each key exchange gives new lines. The lines
   * are secret: whoever has them can read a recording of leg 2. While no plugin asks, porthop keeps no key. An `fn`
   * that throws is dropped with one warning. Sessions then prefer what Wireshark decrypts, and a warning says what that
   * costs, such as post-quantum key exchange.
   */
  keys(fn: (line: string, session: string) => void): void;
  /**
   * Lets porthop ask the server for addresses that only the server knows; call this in `setup`. For leg 3 that is where
   * sshd dialed each target from: a small command runs on the server while the session lives. For leg 1 that is where
   * the server listens for -R. The default is leg 3 alone.
   */
  locateTargets(legs?: readonly (1 | 3)[]): void;
  /**
   * Runs `fn` when porthop stops, after the last flow, and waits for its promise. The function registered last runs
   * first.
   */
  onDispose(fn: () => void | Promise<void>): void;
  /**
   * Throws the error that ends `setup`, or refuses a change in `onOptions`. The user reads the message (what happened)
   * and the hint (what to do). `code` is one of the codes in src/errors.ts.
   */
  fail(code: ErrorCode, message: string, hint?: string): never;
}

/** The types of options: each name says how porthop reads and checks the text, and what `setup` gets. */
export interface OptionTypes {
  text: string;
  /** A whole number. */
  number: number;
  /** `yes` or `no`. */
  flag: boolean;
  /** `10MB/s`, `8Mbit/s`: bytes per second. */
  rate: number;
  /** `64KB`, `1MiB`: bytes. */
  size: number;
  /** `250ms`, `30s`, `5m`: milliseconds. */
  duration: number;
}

/** Describes one option. porthop reads the user's text by this record; a plugin never sees a text that does not fit. */
export interface OptionSpec<T extends keyof OptionTypes = keyof OptionTypes> {
  readonly type: T;
  /** One line, for `porthop plugins` and for error messages. */
  readonly about: string;
  /** The text that the user would write. An option without a default is undefined when the user does not set it. */
  readonly default?: string;
  /** The only texts allowed. */
  readonly choices?: readonly string[];
  /** The user must set this option. */
  readonly required?: true;
  /** The option may change while porthop runs. The plugin hears of a change through `Host.onOptions`. */
  readonly live?: true;
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

/** The values that `setup` gets. An option with neither `default` nor `required` may be undefined. */
export type OptionValues<O extends OptionSpecs> = {
  readonly [K in keyof O]: O[K] extends { default: string } | { required: true }
    ? OptionTypes[O[K]["type"]]
    : OptionTypes[O[K]["type"]] | undefined;
};

/** What a plugin file exports as its default. */
export interface Plugin<O extends OptionSpecs = OptionSpecs> {
  readonly name: string;
  /** One line, shown by `porthop plugins`. */
  readonly about: string;
  /** The version of this contract that the plugin is written for. The default is 1. */
  readonly porthop?: 1;
  readonly options?: O;
  /** Called once, before porthop connects or listens. When `setup` throws or rejects, porthop does not start. */
  setup(host: Host<O>, options: OptionValues<O>): Middleware | Promise<Middleware>;
}

/**
 * Returns the plugin unchanged; its use is that `setup` gets the types of the options. A plugin file may also export a
 * function. porthop calls this function with the toolkit, which is every function that this file exports.
 */
export function definePlugin<const O extends OptionSpecs>(plugin: Plugin<O>): Plugin<O> {
  return plugin;
}
