/**
 * One flow on in-memory conns: the test holds the origin's end and the target's end, and what the core did between them
 * is kept in order. No socket and no clock: `quiet` resolves when nothing more can happen by itself.
 */
import { PorthopError } from "../../src/errors.ts";
import { carry, type FlowOutcome } from "../../src/flow/carry.ts";
import { Chain, type PreparedPlugin } from "../../src/flow/chain.ts";
import type { Conn, Dialer, LegFacts } from "../../src/flow/conn.ts";
import { LiveFlow } from "../../src/flow/flow.ts";
import type { Flow, ForwardInfo, Middleware } from "../../src/plugin.ts";
import { LogLines } from "./log-lines.ts";
import { connPair, type MemoryConn } from "./memory-conn.ts";
import { tellingTo } from "./telling.ts";

export const originAddress = { host: "127.0.0.1", port: 33458 };
export const targetAddress = { host: "db.internal", port: 5432 };
export const forwardInfo: ForwardInfo = {
  id: "L1",
  kind: "local",
  listen: { host: "127.0.0.1", port: 3456 },
  connect: targetAddress,
};

export interface CarryOptions {
  /** In the order of the command line; a name of its own for each. */
  readonly middlewares?: Readonly<Record<string, Middleware>>;
  /** What each of the four buffers holds before its writer waits. */
  readonly capacityBytes?: number;
  /** Leg 2 that a dial would go through. */
  readonly through?: LegFacts;
  /** Instead of dialing the in-memory target at once. It is handed the dial that would have been made. */
  readonly dial?: (
    dialed: ReturnType<Dialer["dial"]>,
    ...asked: Parameters<Dialer["dial"]>
  ) => ReturnType<Dialer["dial"]>;
  /** Instead of accepting at once. */
  readonly accept?: (conn: Conn) => Promise<Conn>;
  /** Leg 2, of a session that the inbound came by. */
  readonly session?: LegFacts;
}

export interface CarriedFlow {
  readonly flow: LiveFlow;
  /** The client's end: what is written here goes up. */
  readonly origin: MemoryConn;
  /** The server's end. */
  readonly target: MemoryConn;
  readonly outcome: Promise<FlowOutcome>;
  /** `dial db.internal:5432`, `dialed`, `accept`, `opened`, `refuse CODE`, in the order in which they happened. */
  readonly steps: string[];
  /** `PLUGIN: what it threw` for each observer that was dropped. */
  readonly dropped: string[];
}

export async function carryFlow(options: CarryOptions = {}): Promise<CarriedFlow> {
  const capacity = options.capacityBytes === undefined ? {} : { capacityBytes: options.capacityBytes };
  const [origin, near] = connPair(capacity);
  const [far, target] = connPair(capacity);
  const steps: string[] = [];
  const dropped: string[] = [];
  const flow = liveFlow(dropped);
  const outcome = carry({
    flow,
    chain: await chainOf(options.middlewares ?? {}),
    inbound: {
      origin: originAddress,
      leg: { from: originAddress, to: forwardInfo.listen, observed: true },
      session: options.session,
      accept: () => {
        steps.push("accept");
        return options.accept?.(near) ?? Promise.resolve(near);
      },
      refuse: (error) => {
        steps.push(`refuse ${error.code}`);
        near.abort(error);
      },
    },
    dialer: {
      through: options.through,
      async dial(...asked) {
        steps.push(`dial ${"host" in asked[0] ? `${asked[0].host}:${asked[0].port}` : asked[0].path}`);
        const dialed = Promise.resolve({ conn: far, leg: { from: undefined, to: asked[0], observed: false } });
        const result = await (options.dial?.(dialed, ...asked) ?? dialed);
        steps.push("dialed");
        return result;
      },
    },
    opened: () => void steps.push("opened"),
  });
  return { flow, origin, target, outcome, steps, dropped };
}

/** A flow of its own, not carried by anybody. */
export function liveFlow(dropped: string[] = [], now: () => number = () => 0): LiveFlow {
  return new LiveFlow({
    id: "L1#17",
    forward: forwardInfo,
    origin: originAddress,
    target: targetAddress,
    dropped: (plugin, error) =>
      void dropped.push(`${plugin}: ${error instanceof Error ? error.message : String(error)}`),
    now,
  });
}

export function chainOf(middlewares: Readonly<Record<string, Middleware>>, log = new LogLines()): Promise<Chain> {
  const plugins = Object.entries(middlewares).map(
    ([name, middleware]): PreparedPlugin => ({ name, setup: () => middleware }),
  );
  return Chain.setUp(plugins, tellingTo(log, { loggerFor: () => log }), { version: "0.0.0" });
}

/** A middleware that hangs something into the flow and lets it pass. */
export function hanging(hang: (flow: Flow) => void): Middleware {
  return (flow, next) => {
    hang(flow);
    return next();
  };
}

/** A break as a carrier tells it: `leg` 1 is the origin's doing, 3 the target's. */
export function broken(leg?: 1 | 2 | 3): PorthopError {
  return new PorthopError(leg === 2 ? "ssh.lost" : "target.unreachable", "the cable was cut", { leg });
}

/**
 * Resolves when all that can happen without a new event has happened: everything in memory is done in microtasks, and
 * those are all run before the event loop turns.
 */
export function quiet(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** What a promise has come to by now. */
export async function stateOf(promise: Promise<unknown>): Promise<"pending" | "resolved" | "rejected"> {
  let state: "pending" | "resolved" | "rejected" = "pending";
  promise.then(
    () => {
      state = "resolved";
    },
    () => {
      state = "rejected";
    },
  );
  await quiet();
  return state;
}
