/**
 * The flows of a tunnel: each inbound connection becomes one, gets its name (`L1#17`), is carried through the chain and
 * reported when it opens and closes. Knows which are under way, so that a stop can wait for them.
 */

import { PorthopError } from "../errors.ts";
import { carry, type FlowOutcome } from "../flow/carry.ts";
import type { Chain } from "../flow/chain.ts";
import type { Dialer, Inbound } from "../flow/conn.ts";
import { LiveFlow } from "../flow/flow.ts";
import { OpenItems } from "../flow/open-items.ts";
import type { Telling } from "../flow/telling.ts";
import { after } from "../io/after.ts";
import type { ForwardInfo, LegReport } from "../plugin.ts";
import { messageOf } from "../text/error-message.ts";
import type { AskedConnection, TargetSource } from "./target-source.ts";

/** How long plugins may take to let go of flows that were broken off. */
const heedMs = 1000;

/** What becomes of a connection that came in: where it wants to go, and who dials that. */
export interface FlowSource {
  readonly targetOf: TargetSource;
  readonly dialer: Dialer;
}

interface UnderWay {
  readonly flow: LiveFlow;
  readonly done: Promise<void>;
}

export class Flows {
  readonly #chain: Chain;
  readonly #telling: Telling;
  readonly #open = new OpenItems<UnderWay>();
  /** Connections that have not said yet where they want to go. */
  readonly #asking = new OpenItems<Promise<void>>();
  readonly #counts = new Map<string, number>();
  readonly #stopped = new AbortController();

  constructor(chain: Chain, telling: Telling) {
    this.#chain = chain;
    this.#telling = telling;
  }

  /** A connection came in: it becomes a flow once its target is known. */
  accept(forward: ForwardInfo, source: FlowSource, inbound: Inbound): void {
    const asked = source.targetOf(inbound, this.#stopped.signal);
    if (!(asked instanceof Promise)) {
      this.#carry(forward, source, asked);
      return;
    }
    const settled = asked
      .then((known) => this.#carry(forward, source, known))
      .catch((error: unknown) => this.#telling.loggerFor().debug(`${forward.id} ${messageOf(error)}`))
      .finally(() => answered());
    const answered = this.#asking.add(settled);
  }

  #carry(forward: ForwardInfo, { dialer }: FlowSource, { inbound, target }: AskedConnection): void {
    const number = (this.#counts.get(forward.id) ?? 0) + 1;
    this.#counts.set(forward.id, number);
    const flow = new LiveFlow({
      id: `${forward.id}#${number}`,
      forward,
      origin: inbound.origin,
      target,
      dropped: (plugin, error) =>
        this.#telling.loggerFor(plugin).warn(`stopped watching ${forward.id}#${number}: ${String(error)}`),
      now: () => performance.now(),
    });
    const opened = () => this.#reportOpen(flow);
    const done = carry({ flow, inbound, dialer, chain: this.#chain, opened }).then((outcome) => {
      over();
      this.#reportClose(flow, outcome);
    });
    const over = this.#open.add({ flow, done });
  }

  /** How many connections are under way. */
  get open(): number {
    return this.#open.size + this.#asking.size;
  }

  /** Resolves once no connection is under way. */
  async idle(): Promise<void> {
    while (this.open > 0) await Promise.all([...this.#ends(), ...this.#asking.all()]);
  }

  /** Waits until all flows ended, or until patience is over; then breaks the rest. */
  async drain(patience: Promise<void>): Promise<void> {
    const reason = new PorthopError("cancelled", "porthop is stopping");
    // Who has not asked for anything yet loses nothing.
    this.#stopped.abort(reason);
    await Promise.all(this.#asking.all());
    if (this.#open.size === 0) return;
    await Promise.race([Promise.all(this.#ends()), patience]);
    for (const { flow } of this.#open.all()) flow.abort(reason);
    // A plugin that pays no heed to its flow's signal is not waited for for ever.
    await Promise.race([Promise.all(this.#ends()), after(heedMs)]);
  }

  #ends(): readonly Promise<void>[] {
    return this.#open.all().map(({ done }) => done);
  }

  #reportOpen(flow: LiveFlow): void {
    this.#telling.bus.publish({
      event: "flow.open",
      flow: flow.id,
      forward: flow.forward.id,
      origin: flow.origin,
      target: flow.target,
      legs: flow.legs.map(legReport),
    });
  }

  #reportClose(flow: LiveFlow, outcome: FlowOutcome): void {
    const error = outcome.reason === "ended" ? undefined : outcome.error;
    if (error !== undefined && isTrouble(outcome.reason, error)) {
      this.#telling.bus.publish({ event: "error", error, flow: flow.id });
    }
    this.#telling.bus.publish({
      event: "flow.close",
      flow: flow.id,
      forward: flow.forward.id,
      origin: flow.origin,
      target: flow.target,
      up: flow.up.bytes,
      down: flow.down.bytes,
      ms: Math.round(flow.ageMs),
      reason: outcome.reason,
      ...(outcome.reason === "aborted" && outcome.error.by !== undefined ? { by: outcome.error.by } : {}),
      ...(error === undefined ? {} : { error }),
    });
  }
}

function legReport({ number, from, to, observed, session }: LiveFlow["legs"][number]): LegReport {
  return { leg: number, from, to, observed, ...(session === undefined ? {} : { session }) };
}

/**
 * Whether a flow's end is somebody's trouble. A client that leaves in the middle (a browser's stop button) is everyday
 * life, a stop was asked for, and a lost session is told once for all its flows: those only stand in flow.close.
 */
function isTrouble(reason: FlowOutcome["reason"], error: PorthopError): boolean {
  if (reason === "refused") return error.code !== "cancelled" && error.code !== "ssh.lost";
  return error.leg !== 1 && error.code !== "cancelled" && error.code !== "ssh.lost";
}
