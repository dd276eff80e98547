/**
 * A flow while it lives: identity, legs, halves, labels, and the switch that aborts the flow. Each plugin gets a view
 * of its own, so that stages, taps and errors carry the name of their plugin.
 */
import type { PorthopError } from "../errors.ts";
import type { Address, Flow, ForwardInfo, Half } from "../plugin.ts";
import { decision, refusal } from "./chain.ts";
import type { Cancel } from "./conn.ts";
import { LiveHalf } from "./half.ts";
import { type DropObserver, LiveLeg } from "./leg.ts";

export interface FlowStart {
  readonly id: string;
  readonly forward: ForwardInfo;
  readonly origin: Address;
  readonly target: Address;
  readonly dropped: DropObserver;
  /** The time in milliseconds, from any fixed point. */
  readonly now: () => number;
}

export class LiveFlow {
  readonly id: string;
  readonly forward: ForwardInfo;
  readonly origin: Address;
  readonly legs: readonly [LiveLeg, LiveLeg, LiveLeg];
  readonly up: LiveHalf;
  readonly down: LiveHalf;
  readonly labels = new Map<string, string>();
  /** Resolves with the reason when the flow is aborted. Stays pending otherwise. */
  readonly aborted: Promise<PorthopError>;
  #target: Address;
  #dialing = false;
  #turn = 0;
  #isDecided = false;
  #hasLeft = false;
  #isSettled = false;
  #toldDecided: ((reason: PorthopError) => void) | undefined;
  readonly #now: () => number;
  readonly #startedAtMs: number;
  readonly #cancel = new FlowCancel();
  #tellAborted: (reason: PorthopError) => void = () => {};

  constructor(start: FlowStart) {
    this.id = start.id;
    this.forward = start.forward;
    this.origin = start.origin;
    this.#target = start.target;
    this.#now = start.now;
    this.#startedAtMs = start.now();
    this.legs = [new LiveLeg(1, start.dropped), new LiveLeg(2, start.dropped), new LiveLeg(3, start.dropped)];
    this.up = new LiveHalf("up", start.dropped);
    this.down = new LiveHalf("down", start.dropped);
    this.aborted = new Promise((resolve) => {
      this.#tellAborted = resolve;
    });
  }

  get target(): Address {
    return this.#target;
  }

  set target(address: Address) {
    if (this.#dialing) throw new Error("the target can only be set before next() is called");
    this.#target = address;
  }

  /** Fires when the flow is aborted. The reason is then the PorthopError. */
  get cancel(): Cancel {
    return this.#cancel;
  }

  /** The reason, when the flow is aborted. */
  get abortedBy(): PorthopError | undefined {
    return this.#cancel.reason;
  }

  /** Like `cancel`, for callers that need a real AbortSignal. */
  get signal(): AbortSignal {
    return this.#cancel.signal;
  }

  get ageMs(): number {
    return this.#now() - this.#startedAtMs;
  }

  /** Returns the target, which is fixed from now on. */
  startDialing(): Address {
    this.#dialing = true;
    this.#turn += 1;
    return this.#target;
  }

  abort(reason: PorthopError): void {
    if (this.#cancel.aborted) return;
    this.#cancel.abort(reason);
    this.#tellAborted(reason);
  }

  /** Aborts the flow by a decision, when no connection broke. The flow is reported as aborted, open or not. */
  decide(reason: PorthopError): void {
    if (this.#cancel.aborted || this.#isSettled) return;
    this.#isDecided = true;
    this.abort(reason);
    this.#toldDecided?.(reason);
  }

  /** The origin broke off before it had an answer. When the dial has failed already, that stays the outcome. */
  leave(reason: PorthopError): void {
    if (this.#cancel.aborted || this.#isSettled) return;
    this.#hasLeft = true;
    this.abort(reason);
  }

  get hasLeft(): boolean {
    return this.#hasLeft;
  }

  /** The flow has ended, or its failure is known: no decision can change the outcome any more. */
  settle(): void {
    this.#isSettled = true;
  }

  /** Calls `told` in the turn of the event loop in which the decision is made. */
  onDecided(told: (reason: PorthopError) => void): void {
    this.#toldDecided = told;
  }

  get isDecided(): boolean {
    return this.#isDecided;
  }

  /**
   * The flow as the plugin named `plugin` sees it. The plugin's turn begins now, and ends when the next plugin's turn
   * or the dial begins.
   */
  enter(plugin: string): Flow {
    this.#turn += 1;
    return new FlowView(this, plugin, this.#turn);
  }

  /** Counts the plugins that the flow has reached, and at last the dial. */
  get turn(): number {
    return this.#turn;
  }
}

/**
 * Does the part of an AbortController that the core needs, and costs a thirtieth. Most flows are never aborted, so the
 * real AbortController is made only when somebody asks for `signal`.
 */
class FlowCancel implements Cancel {
  reason: PorthopError | undefined;
  readonly #told = new Set<() => void>();
  #real: AbortController | undefined;

  get aborted(): boolean {
    return this.reason !== undefined;
  }

  get signal(): AbortSignal {
    this.#real ??= new AbortController();
    if (this.reason !== undefined) this.#real.abort(this.reason);
    return this.#real.signal;
  }

  abort(reason: PorthopError): void {
    this.reason = reason;
    this.#real?.abort(reason);
    for (const told of this.#told) told();
    this.#told.clear();
  }

  addEventListener(_type: "abort", told: () => void): void {
    this.#told.add(told);
  }

  removeEventListener(_type: "abort", told: () => void): void {
    this.#told.delete(told);
  }
}

/**
 * The flow as one plugin sees it. The views of halves and legs are made on first use, because few plugins use all of
 * them.
 */
class FlowView implements Flow {
  readonly #flow: LiveFlow;
  readonly #plugin: string;
  readonly #turn: number;
  readonly #upPlace: number;
  readonly #downPlace: number;
  #up: Half | undefined;
  #down: Half | undefined;
  #legs: Flow["legs"] | undefined;

  constructor(flow: LiveFlow, plugin: string, turn: number) {
    this.#flow = flow;
    this.#plugin = plugin;
    this.#turn = turn;
    // The place is fixed now, because later plugins hang stages in too.
    this.#upPlace = flow.up.stages;
    this.#downPlace = flow.down.stages;
  }

  get id(): string {
    return this.#flow.id;
  }

  get forward(): ForwardInfo {
    return this.#flow.forward;
  }

  get origin(): Address {
    return this.#flow.origin;
  }

  get target(): Address {
    return this.#flow.target;
  }

  set target(address: Address) {
    this.#flow.target = address;
  }

  get legs(): Flow["legs"] {
    const [one, two, three] = this.#flow.legs;
    this.#legs ??= [one.viewFor(this.#plugin), two.viewFor(this.#plugin), three.viewFor(this.#plugin)];
    return this.#legs;
  }

  get up(): Half {
    this.#up ??= this.#flow.up.viewFor(this.#plugin, this.#upPlace, () => this.#isLate());
    return this.#up;
  }

  get down(): Half {
    this.#down ??= this.#flow.down.viewFor(this.#plugin, this.#downPlace, () => this.#isLate());
    return this.#down;
  }

  get labels(): Map<string, string> {
    return this.#flow.labels;
  }

  get signal(): AbortSignal {
    return this.#flow.signal;
  }

  get ageMs(): number {
    return this.#flow.ageMs;
  }

  /** True when the plugin's turn is over: the plugin has called next(). */
  #isLate(): boolean {
    return this.#flow.turn !== this.#turn;
  }

  refuse(reason: string): never {
    this.#flow.settle();
    throw refusal(this.#plugin, reason);
  }

  abort(reason: string): void {
    this.#flow.decide(decision(this.#plugin, reason));
  }
}
