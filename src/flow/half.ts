/**
 * One direction of a flow: the stages and taps that plugins hang in, and the pump that carries the bytes. Promises 1,
 * 2, 3 and 10: stages run in the order of the chain, the next chunk is read only after the last was accepted, an end is
 * passed on as an end, and nothing is copied. A half without stages has no generators between read and write.
 */
import type { Chunk, Chunks, Direction, Half, Stage, Tap } from "../plugin.ts";
import type { Conn } from "./conn.ts";
import type { DropObserver, LiveLeg } from "./leg.ts";
import { StageOutput, type StageStep } from "./stage-output.ts";

interface TapStep {
  readonly plugin: string;
  /** How many stages stand between the origin and this tap. */
  readonly place: number;
  /** Undefined when the tap was dropped or taken away. */
  tap: Tap | undefined;
}

/** True when a plugin has called next(), and is too late to hang in stages. */
export type IsLate = () => boolean;

/** One end of a half: the conn, and the leg whose watchers see what passes there. */
export interface HalfEnd {
  readonly conn: Conn;
  readonly leg: Pick<LiveLeg, "bytes" | "ended">;
}

export class LiveHalf {
  readonly direction: Direction;
  bytes = 0;
  /** The error of the write that did not reach the sink, because the sink's peer had gone in good order. */
  undelivered: unknown;
  /** True when a write to a peer that has gone must count as a break. */
  mustDeliver = false;
  /**
   * True when nobody waits for the source any more. The end of the reads is then not the peer's own end, and the leg is
   * not told of an end.
   */
  isLeft = false;
  readonly #dropped: DropObserver;
  readonly #stages: StageStep[] = [];
  /**
   * The taps in the order in which a chunk passes them. The array is replaced and never changed, because a loop may be
   * going through it.
   */
  #taps: readonly TapStep[] = [];
  #running = false;
  /** The last read that was made for the stages. */
  #reading: Promise<Chunk | undefined> | undefined;
  /** True when the rest of the source is read for nobody. */
  #isDiscarding = false;
  /** True when the source was read to its end. */
  #drained = false;
  #isOver = false;
  #told: (() => void) | undefined;

  constructor(direction: Direction, dropped: DropObserver) {
    this.direction = direction;
    this.#dropped = dropped;
  }

  /** How many stages were hung in so far. */
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
    // When bytes did not reach the sink, a break follows, and no clean end is reported.
    if (this.undelivered === undefined) sink.leg.ended(this.direction);
    try {
      await sink.conn.end();
    } catch (error) {
      this.#failed(sink, error);
    }
    this.#isOver = true;
    this.#told?.();
    if (!this.#drained) await this.#discardRest(source);
  }

  /** True when nothing more will reach the sink. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Calls `told` when nothing more will reach the sink; at once when that is so already. */
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

  /**
   * Returns a function that takes the tap away. The tap begins with the next chunk, and does not see a chunk that is
   * already on its way past the taps.
   */
  addTap(step: TapStep): () => void {
    const { place } = step;
    // Places count from the origin to the target. Chunks of `down` pass the places backwards.
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
   * Called when a stage returned early, or when the sink's peer has gone. Reads the source to its end and drops the
   * bytes. A peer that cannot send the rest of its bytes may never read the answer, and without reads a break would go
   * unseen. To break the conn ourselves would lose bytes that are on their way back.
   */
  async #discardRest(source: HalfEnd): Promise<void> {
    // A stage that reads ahead, such as a delay line, may have left a read under way. A conn allows only one read at a
    // time.
    this.#isDiscarding = true;
    if (this.#reading !== undefined && (await this.#reading) === undefined) return;
    const rest = this.#chunksOf(source);
    for (let next = await rest.next(); next.done !== true; next = await rest.next());
  }

  /** Returns false when the sink's peer has gone. */
  async #deliver(chunk: Chunk, sink: HalfEnd): Promise<boolean> {
    if (!sink.conn.isGone) sink.leg.bytes(this.direction, chunk);
    try {
      await sink.conn.write(chunk);
    } catch (error) {
      this.#failed(sink, error);
    }
    if (this.undelivered !== undefined) return false;
    this.bytes += chunk.byteLength;
    return true;
  }

  /**
   * Called when the sink did not take bytes or the end. A peer that has gone in good order is no reason to break the
   * other half, which may still hold bytes of that peer.
   */
  #failed(sink: HalfEnd, error: unknown): void {
    if (!sink.conn.isGone || this.mustDeliver) throw error;
    this.undelivered ??= error;
  }

  /** Yields the source's chunks, which the taps at `place` see first. Without a place no tap sees them. */
  async *#chunksOf(source: HalfEnd, place?: number): AsyncGenerator<Chunk> {
    for (;;) {
      this.#reading = source.conn.read();
      const chunk = await this.#reading;
      if (chunk === undefined) break;
      // A stage that has returned may still read in the background.
      if (this.#isDiscarding && place !== undefined) return;
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
      // By its type, a tap may also be an async function. An unhandled rejection would end the whole process.
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
