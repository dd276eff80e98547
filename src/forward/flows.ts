/**
 * The flows of a tunnel. Each inbound connection becomes a flow, gets its id (`L1#17`), is carried through the chain,
 * and is reported when it opens and closes. This class knows which flows are open, so that a stop can wait for them.
 */

import { formatAddress } from "../codec/address.ts";
import { type ErrorCode, PorthopError } from "../errors.ts";
import { carry, type FlowOutcome } from "../flow/carry.ts";
import type { Chain } from "../flow/chain.ts";
import type { Dialer, Inbound, LegFacts } from "../flow/conn.ts";
import { LiveFlow } from "../flow/flow.ts";
import { OpenItems } from "../flow/open-items.ts";
import type { Telling } from "../flow/telling.ts";
import { after } from "../io/after.ts";
import type { ForwardInfo, LegNumber, LegReport } from "../plugin.ts";
import { messageOf } from "../text/error-message.ts";
import { OutageRefusals } from "./outage-refusals.ts";
import type { AskedConnection, TargetSource } from "./target-source.ts";

/** How long a stop waits for plugins to let go of flows that were broken off. */
const heedMs = 1000;

/** Where a connection that came in wants to go, and who dials that target. */
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
  /** Connections that have not named their target yet. */
  readonly #asking = new OpenItems<Promise<void>>();
  readonly #counts = new Map<string, number>();
  readonly #stopped = new AbortController();
  readonly #outageRefusals: OutageRefusals;

  constructor(chain: Chain, telling: Telling) {
    this.#chain = chain;
    this.#telling = telling;
    this.#outageRefusals = new OutageRefusals(telling);
  }

  /** Takes a connection that came in. The connection becomes a flow when its target is known. */
  accept(forward: ForwardInfo, source: FlowSource, inbound: Inbound): void {
    const since = performance.now();
    const asked = source.targetOf(inbound, this.#stopped.signal);
    if (!(asked instanceof Promise)) {
      this.#carry(forward, source, asked, since);
      return;
    }
    const settled = asked
      .then((known) => {
        if ("refused" in known) this.#reportRefusal(forward, source, inbound, known.refused, performance.now() - since);
        else this.#carry(forward, source, known, since);
      })
      .catch((error: unknown) =>
        this.#telling.loggerFor().debug(`${forward.id} ${formatAddress(inbound.origin)}: ${messageOf(error)}`),
      )
      .finally(() => answered());
    const answered = this.#asking.add(settled);
  }

  #carry(forward: ForwardInfo, { dialer }: FlowSource, { inbound, target }: AskedConnection, sinceMs: number): void {
    const id = this.#nextId(forward);
    const flow = new LiveFlow({
      id,
      forward,
      origin: inbound.origin,
      target,
      dropped: (plugin, error) => this.#telling.loggerFor(plugin).warn(`stopped watching ${id}: ${String(error)}`),
      now: () => performance.now(),
    });
    const opened = () => this.#reportOpen(flow);
    const waited = (ms: number) => this.#telling.bus.publish({ event: "held", flow: id, ms: Math.round(ms) });
    const held = { sinceMs, waited };
    const done = carry({ flow, inbound, dialer, chain: this.#chain, held, opened }).then((outcome) => {
      over();
      this.#reportClose(flow, outcome);
    });
    const over = this.#open.add({ flow, done });
  }

  #nextId(forward: ForwardInfo): string {
    const number = (this.#counts.get(forward.id) ?? 0) + 1;
    this.#counts.set(forward.id, number);
    return `${forward.id}#${number}`;
  }

  /** How many connections are open, with those that have not named their target. */
  get open(): number {
    return this.#open.size + this.#asking.size;
  }

  /** Resolves when no connection is open. */
  async idle(): Promise<void> {
    while (this.open > 0) await Promise.all([...this.#ends(), ...this.#asking.all()]);
  }

  /** Waits until all flows have ended, or until `patience` resolves. Then breaks the flows that are left. */
  async drain(patience: Promise<void>): Promise<void> {
    const reason = new PorthopError("cancelled", "porthop is stopping");
    // A connection that has not named its target loses nothing, so it is ended at once.
    this.#stopped.abort(reason);
    await Promise.all(this.#asking.all());
    if (this.#open.size > 0) {
      await Promise.race([Promise.all(this.#ends()), patience]);
      for (const { flow } of this.#open.all()) flow.abort(reason);
      // A plugin may ignore the signal of its flow. porthop does not wait for such a plugin for ever.
      await Promise.race([Promise.all(this.#ends()), after(heedMs)]);
    }
    this.#outageRefusals.flush();
  }

  #ends(): readonly Promise<void>[] {
    return this.#open.all().map(({ done }) => done);
  }

  #reportOpen(flow: LiveFlow): void {
    if (!this.#telling.bus.isHeard("flow.open")) return;
    this.#telling.bus.publish({
      event: "flow.open",
      flow: flow.id,
      forward: flow.forward.id,
      origin: flow.origin,
      target: flow.target,
      legs: flow.legs.map(legReport),
    });
  }

  /** A connection that was refused before it named a target has the events of a flow, and never was one. */
  #reportRefusal(
    forward: ForwardInfo,
    { dialer }: FlowSource,
    { origin, leg, session = dialer.through }: Inbound,
    error: PorthopError,
    ageMs: number,
  ): void {
    const flow = { flow: this.#nextId(forward), forward: forward.id, origin, target: null };
    const nobody = { from: undefined, to: undefined, observed: false };
    const legs = [
      legReport({ ...leg, number: 1 }),
      legReport({ ...(session ?? nobody), number: 2 }),
      legReport({ ...nobody, number: 3 }),
    ];
    this.#telling.bus.publish({ event: "flow.open", ...flow, legs });
    const closed = { up: 0, down: 0, ms: Math.round(ageMs), reason: "refused", error } as const;
    this.#telling.bus.publish({ event: "flow.close", ...flow, ...closed });
  }

  #reportClose(flow: LiveFlow, outcome: FlowOutcome): void {
    const error = outcome.reason === "ended" ? undefined : outcome.error;
    if (error !== undefined && isTrouble(outcome.reason, error)) {
      if (isOutage(error)) this.#outageRefusals.tell(error, flow.id);
      else this.#telling.bus.publish({ event: "error", error, flow: flow.id });
    }
    if (!this.#telling.bus.isHeard("flow.close")) return;
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

interface LegKnown extends Pick<LegFacts, "from" | "to" | "observed" | "session"> {
  readonly number: LegNumber;
}

function legReport({ number, from, to, observed, session }: LegKnown): LegReport {
  return { leg: number, from, to, observed, ...(session === undefined ? {} : { session }) };
}

/**
 * True when a flow's end must be reported as an error. A client that leaves in the middle (a browser's stop button) is
 * usual, a stop was asked for, and what ends a session is reported once for all its flows. These ends are reported only
 * in flow.close.
 */
function isTrouble(reason: FlowOutcome["reason"], error: PorthopError): boolean {
  if (error.code === "cancelled" || endsOfSessions.has(error.code)) return false;
  return reason === "refused" || error.leg !== 1;
}

const endsOfSessions: ReadonlySet<ErrorCode> = new Set([
  "ssh.lost",
  "ssh.auth-failed",
  "ssh.host-key-unknown",
  "ssh.host-key-changed",
  "ssh.host-key-revoked",
]);

/** True when no session stood for the flow. */
function isOutage({ code }: PorthopError): boolean {
  return code === "ssh.unreachable";
}
