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
  /** undefined once it was dropped. */
  tap: Tap | undefined;
}

type Step = StageStep | TapStep;

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
  readonly #steps: Step[] = [];
  #running = false;
  /** True once the source was read to its end. */
  #drained = false;
  #isOver = false;
  #told: (() => void) | undefined;

  constructor(direction: Direction, dropped: DropObserver) {
    this.direction = direction;
    this.#dropped = dropped;
  }

  /** The half as the plugin named `plugin` sees it. */
  viewFor(plugin: string): Half {
    return new HalfView(this, plugin);
  }

  /** Carries bytes from `source` to `sink` until the source or a stage ends, then ends the sink. */
  async pump(source: HalfEnd, sink: HalfEnd): Promise<void> {
    this.#running = true;
    // The list reads from origin to target, so what goes down passes it backwards.
    const steps = this.direction === "up" ? this.#steps : this.#steps.toReversed();
    if (steps.some((step) => "stage" in step)) await this.#pumpThrough(steps, source, sink);
    else await this.#pumpStraight(steps, source, sink);
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

  add(step: Step): void {
    if (this.#running) throw new Error(`plugin ${step.plugin} hung a stage or tap into a flow that already runs`);
    this.#steps.push(step);
  }

  async #pumpStraight(steps: readonly Step[], source: HalfEnd, sink: HalfEnd): Promise<void> {
    for (;;) {
      const chunk = await source.conn.read();
      if (chunk === undefined) break;
      source.leg.bytes(this.direction, chunk);
      for (const step of steps) this.#look(step, chunk);
      if (!(await this.#deliver(chunk, sink))) return;
    }
    this.#drained = true;
    if (!this.isLeft) source.leg.ended(this.direction);
  }

  async #pumpThrough(steps: readonly Step[], source: HalfEnd, sink: HalfEnd): Promise<void> {
    let chunks = this.#chunksOf(source);
    for (const step of steps) chunks = "stage" in step ? named(step, chunks) : this.#tapped(step, chunks);
    for await (const chunk of chunks) if (!(await this.#deliver(chunk, sink))) break;
  }

  /**
   * A stage returned early, or the sink's peer has gone. The source is read on and dropped: a peer that cannot get rid of
   * its bytes may never come to read the answer, a break would go unseen, and breaking the conn ourselves would lose what
   * is on its way back.
   */
  async #discardRest(source: HalfEnd): Promise<void> {
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

  async *#chunksOf(source: HalfEnd): AsyncGenerator<Chunk> {
    for (;;) {
      const chunk = await source.conn.read();
      if (chunk === undefined) break;
      source.leg.bytes(this.direction, chunk);
      yield chunk;
    }
    this.#drained = true;
    if (!this.isLeft) source.leg.ended(this.direction);
  }

  async *#tapped(step: Step, chunks: Chunks): AsyncGenerator<Chunk> {
    for await (const chunk of chunks) {
      this.#look(step, chunk);
      yield chunk;
    }
  }

  #look(step: Step, chunk: Chunk): void {
    if (!("tap" in step) || step.tap === undefined) return;
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
    step.tap = undefined;
    this.#dropped(step.plugin, error);
  }
}

class HalfView implements Half {
  readonly #half: LiveHalf;
  readonly #plugin: string;

  constructor(half: LiveHalf, plugin: string) {
    this.#half = half;
    this.#plugin = plugin;
  }

  get bytes(): number {
    return this.#half.bytes;
  }

  pipe(stage: Stage): void {
    this.#half.add({ plugin: this.#plugin, stage });
  }

  tap(tap: Tap): void {
    this.#half.add({ plugin: this.#plugin, tap });
  }
}

/** Runs a stage so that what it throws itself names its plugin; conns reject with PorthopErrors, which pass as they are. */
async function* named(step: StageStep, chunks: Chunks): AsyncGenerator<Chunk> {
  try {
    yield* step.stage(chunks);
  } catch (error) {
    throw asPluginError(step.plugin, error);
  }
}
