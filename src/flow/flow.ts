/**
 * A flow while it lives: identity, legs, halves, labels, and the switch that aborts it.
 * Each plugin gets a view of its own, so that what it hangs into the flow carries its name.
 */
import type { PorthopError } from "../errors.ts";
import type { Address, Flow, ForwardInfo } from "../plugin.ts";
import { refusal } from "./chain.ts";
import { LiveHalf } from "./half.ts";
import { type DropObserver, LiveLeg } from "./leg.ts";

export interface FlowStart {
  readonly id: string;
  readonly forward: ForwardInfo;
  readonly origin: Address;
  readonly target: Address;
  readonly dropped: DropObserver;
  /** Milliseconds, from any fixed point. */
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
  /** Settles with the reason when the flow is aborted; stays pending otherwise. */
  readonly aborted: Promise<PorthopError>;
  #target: Address;
  #dialing = false;
  readonly #now: () => number;
  readonly #startedAtMs: number;
  readonly #abort = new AbortController();
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

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get ageMs(): number {
    return this.#now() - this.#startedAtMs;
  }

  /** From here on the target is fixed. */
  startDialing(): Address {
    this.#dialing = true;
    return this.#target;
  }

  abort(reason: PorthopError): void {
    if (this.#abort.signal.aborted) return;
    this.#abort.abort(reason);
    this.#tellAborted(reason);
  }

  viewFor(plugin: string): Flow {
    const flow = this;
    return {
      id: flow.id,
      forward: flow.forward,
      origin: flow.origin,
      get target() {
        return flow.target;
      },
      set target(address) {
        flow.target = address;
      },
      legs: [flow.legs[0].viewFor(plugin), flow.legs[1].viewFor(plugin), flow.legs[2].viewFor(plugin)],
      up: flow.up.viewFor(plugin),
      down: flow.down.viewFor(plugin),
      labels: flow.labels,
      signal: flow.signal,
      get ageMs() {
        return flow.ageMs;
      },
      refuse(reason): never {
        throw refusal(plugin, reason);
      },
    };
  }
}
