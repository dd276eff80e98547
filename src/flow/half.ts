/**
 * One direction of a flow: the stages and taps that plugins hang into it, and the pump that carries it.
 * Promises 1, 2, 3 and 10: the order of the chain, the next chunk only after the last was accepted, the end passed on
 * as an end, and no copy. A half without stages is pumped straight.
 */
import type { Chunk, Chunks, Direction, Half, Stage, Tap } from "../plugin.ts";
import { asPluginError } from "./chain.ts";
import type { Conn } from "./conn.ts";
import type { DropObserver, LiveLeg } from "./leg.ts";

interface StageStep {
  readonly plugin: string;
  readonly stage: Stage;
}

interface TapStep {
  readonly plugin: string;
  /** How many stages stand between the origin and it. */
  readonly place: number;
  /** undefined once it was dropped or taken away. */
  tap: Tap | undefined;
}

/** Whether it is too late for stages of a plugin: it has called next(). */
export type IsLate = () => boolean;

/** One end of a half: the conn, and the leg whose watchers see what passes there. */
export interface HalfEnd {
  readonly conn: Conn;
  readonly leg: LiveLeg;
}

export class LiveHalf {
  readonly direction: Direction;
  bytes = 0;
  /** Why the sink did not get all of it, when its peer had gone. */
  undelivered: unknown;
  /** A peer that has gone is a break to who speaks to it. */
  mustDeliver = false;
  /** The source is not waited for any more: what looks like its end is none of its own. */
  isLeft = false;
  readonly #dropped: DropObserver;
  readonly #stages: StageStep[] = [];
  /** In the order in which a chunk passes them. Replaced, never changed, for it may be gone through just now. */
  #taps: readonly TapStep[] = [];
  #running = false;
  /** The last read for the stages. */
  #reading: Promise<Chunk | undefined> | undefined;
  /** True once the source was read to its end. */
  #drained = false;
  #isOver = false;
  #told: (() => void) | undefined;

  constructor(direction: Direction, dropped: DropObserver) {
    this.direction = direction;
    this.#dropped = dropped;
  }

  /** How many stages hang in it so far. */
  get stages(): number {
    return this.#stages.length;
  }

  /** The half as the plugin named `plugin` sees it: `place` stages stand between the origin and it. */
  viewFor(plugin: string, place = this.stages, isLate: IsLate = () => false): Half {
    return new HalfView(this, plugin, place, isLate);
  }

  /** Carries bytes from `source` to `sink` until the source or a stage ends, then ends the sink. */
  async pump(source: HalfEnd, sink: HalfEnd): Promise<void> {
    this.#running = true;
    if (this.#stages.length > 0) await this.#pumpThrough(source, sink);
    else await this.#pumpStraight(source, sink);
    // What did not get there ends by the break that follows.
    if (this.undelivered === undefined) sink.leg.ended(this.direction);
    await this.#toSink(sink, () => sink.conn.end());
    this.#isOver = true;
    this.#told?.();
    if (!this.#drained) await this.#discardRest(source);
  }

  /** Nothing more will reach the sink. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Calls `told` once that is so; at once when it is so already. */
  onOver(told: () => void): void {
    if (this.#isOver) told();
    else this.#told = told;
  }

  addStage(step: StageStep, isLate: IsLate): void {
    if (this.#running || isLate()) {
      throw new Error(
        `plugin ${step.plugin} hung in a stage too late: before next() only, where a tap may come at any time`,
      );
    }
    this.#stages.push(step);
  }

  /** Returns what takes it away. It sees the next chunk, and none that is under way. */
  addTap(step: TapStep): () => void {
    const { place } = step;
    // The list reads from origin to target, so what goes down passes it backwards.
    const next =
      this.direction === "up" ? (each: TapStep) => each.place > place : (each: TapStep) => each.place <= place;
    const index = this.#taps.findIndex(next);
    this.#taps = this.#taps.toSpliced(index < 0 ? this.#taps.length : index, 0, step);
    return () => this.#takeAway(step);
  }

  async #pumpStraight(source: HalfEnd, sink: HalfEnd): Promise<void> {
    for (;;) {
      const chunk = await source.conn.read();
      if (chunk === undefined) break;
      source.leg.bytes(this.direction, chunk);
      for (const step of this.#taps) this.#look(step, chunk);
      if (!(await this.#deliver(chunk, sink))) return;
    }
    this.#drained = true;
    if (!this.isLeft) source.leg.ended(this.direction);
  }

  async #pumpThrough(source: HalfEnd, sink: HalfEnd): Promise<void> {
    const isUp = this.direction === "up";
    let place = isUp ? 0 : this.#stages.length;
    let chunks: Chunks = this.#chunksOf(source, place);
    for (const step of isUp ? this.#stages : this.#stages.toReversed()) {
      place += isUp ? 1 : -1;
      const behind = place;
      chunks = new StageOutput(step, chunks, (chunk) => this.#lookAt(behind, chunk));
    }
    for await (const chunk of chunks) if (!(await this.#deliver(chunk, sink))) break;
  }

  /**
   * A stage returned early, or the sink's peer has gone. The source is read on and dropped: a peer that cannot get rid of
   * its bytes may never come to read the answer, a break would go unseen, and breaking the conn ourselves would lose what
   * is on its way back.
   */
  async #discardRest(source: HalfEnd): Promise<void> {
    // A stage that reads ahead, as a delay line does, may have left a read under way: one at a time.
    if (this.#reading !== undefined && (await this.#reading) === undefined) return;
    const rest = this.#chunksOf(source);
    for (let next = await rest.next(); next.done !== true; next = await rest.next());
  }

  /** False when the sink's peer has gone. */
  async #deliver(chunk: Chunk, sink: HalfEnd): Promise<boolean> {
    if (!sink.conn.isGone) sink.leg.bytes(this.direction, chunk);
    await this.#toSink(sink, () => sink.conn.write(chunk));
    if (this.undelivered !== undefined) return false;
    this.bytes += chunk.byteLength;
    return true;
  }

  /** A peer that has gone in good order is no reason to break off the other half, which may still hold what it said. */
  async #toSink(sink: HalfEnd, give: () => Promise<void>): Promise<void> {
    try {
      await give();
    } catch (error) {
      if (!sink.conn.isGone || this.mustDeliver) throw error;
      this.undelivered ??= error;
    }
  }

  /** What the taps at `place` look at; without one nobody looks. */
  async *#chunksOf(source: HalfEnd, place?: number): AsyncGenerator<Chunk> {
    for (;;) {
      this.#reading = source.conn.read();
      const chunk = await this.#reading;
      if (chunk === undefined) break;
      source.leg.bytes(this.direction, chunk);
      if (place !== undefined) this.#lookAt(place, chunk);
      yield chunk;
    }
    this.#drained = true;
    if (!this.isLeft) source.leg.ended(this.direction);
  }

  #lookAt(place: number, chunk: Chunk): void {
    for (const step of this.#taps) if (step.place === place) this.#look(step, chunk);
  }

  #look(step: TapStep, chunk: Chunk): void {
    if (step.tap === undefined) return;
    try {
      const looked: unknown = step.tap(chunk);
      // An async function is a valid Tap by its type; what it rejects with would end the whole process.
      if (looked instanceof Promise) looked.catch((error: unknown) => this.#drop(step, error));
    } catch (error) {
      this.#drop(step, error);
    }
  }

  #drop(step: TapStep, error: unknown): void {
    if (step.tap === undefined) return;
    this.#takeAway(step);
    this.#dropped(step.plugin, error);
  }

  #takeAway(step: TapStep): void {
    step.tap = undefined;
    this.#taps = this.#taps.filter((other) => other !== step);
  }
}

class HalfView implements Half {
  readonly #half: LiveHalf;
  readonly #plugin: string;
  readonly #isLate: IsLate;
  #place: number;

  constructor(half: LiveHalf, plugin: string, place: number, isLate: IsLate) {
    this.#half = half;
    this.#plugin = plugin;
    this.#place = place;
    this.#isLate = isLate;
  }

  get bytes(): number {
    return this.#half.bytes;
  }

  pipe(stage: Stage): void {
    this.#half.addStage({ plugin: this.#plugin, stage }, this.#isLate);
    this.#place = this.#half.stages;
  }

  tap(tap: Tap): () => void {
    return this.#half.addTap({ plugin: this.#plugin, place: this.#place, tap });
  }
}

/**
 * Runs a stage so that what it throws itself names its plugin; conns reject with PorthopErrors, which pass as they are.
 * Looks at what comes out on the way: a tap needs no generator, which would cost each chunk something. For the same
 * reason this is none itself.
 */
class StageOutput implements AsyncIterableIterator<Chunk> {
  readonly #step: StageStep;
  readonly #input: Chunks;
  readonly #look: (chunk: Chunk) => void;
  #chunks: AsyncIterator<Chunk> | undefined;

  constructor(step: StageStep, input: Chunks, look: (chunk: Chunk) => void) {
    this.#step = step;
    this.#input = input;
    this.#look = look;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Chunk>> {
    try {
      this.#chunks ??= this.#step.stage(this.#input)[Symbol.asyncIterator]();
      const next = await this.#chunks.next();
      if (next.done !== true) this.#look(next.value);
      return next;
    } catch (error) {
      throw asPluginError(this.#step.plugin, error);
    }
  }

  /** Whoever reads has enough. */
  async return(): Promise<IteratorResult<Chunk>> {
    try {
      await this.#chunks?.return?.();
      return { done: true, value: undefined };
    } catch (error) {
      throw asPluginError(this.#step.plugin, error);
    }
  }
}
