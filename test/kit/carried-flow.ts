/**
 * One flow on in-memory conns. The test holds the origin's end and the target's end; what the core does between them is
 * recorded in order. There is no socket and no clock: `quiet` resolves when nothing more can happen without a new
 * event.
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
  side: "here",
  listen: { host: "127.0.0.1", port: 3456 },
  connect: targetAddress,
};

export interface CarryOptions {
  /** In the order of the command line, each with a name of its own. */
  readonly middlewares?: Readonly<Record<string, Middleware>>;
  /** How many bytes each of the four buffers holds before a writer has to wait. */
  readonly capacityBytes?: number;
  /** The leg 2 that a dial goes through. */
  readonly through?: LegFacts;
  /** Replaces the dial of the in-memory target. `dialed` is the dial that would have been made. */
  readonly dial?: (
    dialed: ReturnType<Dialer["dial"]>,
    ...asked: Parameters<Dialer["dial"]>
  ) => ReturnType<Dialer["dial"]>;
  /** Replaces accepting at once. */
  readonly accept?: (conn: Conn) => Promise<Conn>;
  /** The leg 2 of the session that the inbound came through. */
  readonly session?: LegFacts;
}

export interface CarriedFlow {
  readonly flow: LiveFlow;
  /** The client's end: bytes written here go up. */
  readonly origin: MemoryConn;
  /** The server's end. */
  readonly target: MemoryConn;
  readonly outcome: Promise<FlowOutcome>;
  /** The steps of the core in order: `dial db.internal:5432`, `dialed`, `accept`, `opened`, `refuse CODE`. */
  readonly steps: string[];
  /** `PLUGIN: the error` for each observer that was dropped. */
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
      onBroken: (told) => near.onBroken(told),
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

/** A flow that no code carries. */
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

/** A middleware that adds something to the flow and lets the flow pass. */
export function hanging(hang: (flow: Flow) => void): Middleware {
  return (flow, next) => {
    hang(flow);
    return next();
  };
}

/** A break as a carrier reports it: `leg` is 1 when the origin broke, 3 when the target did. */
export function broken(leg?: 1 | 2 | 3): PorthopError {
  return new PorthopError(leg === 2 ? "ssh.lost" : "target.unreachable", "the cable was cut", { leg });
}

/**
 * Resolves when everything has happened that can happen without a new event. In-memory work runs in microtasks, and all
 * microtasks run before the event loop turns.
 */
export function quiet(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** The present state of a promise. */
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
