/**
 * Plays flows for the capture plugin. One call here makes events on both plain legs, in the order in which bytes really
 * pass them.
 */
import capture from "../../plugins/capture.ts";
import type { Address } from "../../src/codec/address.ts";
import type { Chunk, Direction, Middleware } from "../../src/plugin.ts";
import { type FlowFacts, ScriptedFlow, type ScriptedHost, setUp } from "./plugin-host.ts";

export const listener = { host: "127.0.0.1", port: 3456 };

export interface SceneFacts extends FlowFacts {
  /** The address on which the listener accepted. */
  readonly listen?: Address;
}

export class CaptureScene {
  readonly file: string;
  readonly host: ScriptedHost;
  readonly #middleware: Middleware;

  constructor(file: string, host: ScriptedHost, middleware: Middleware) {
    this.file = file;
    this.host = host;
    this.#middleware = middleware;
  }

  /** `sessions` are the hosts on the way. */
  static async start(
    file: string,
    options: Readonly<Record<string, string>> = {},
    sessions?: readonly string[],
  ): Promise<CaptureScene> {
    const { host, middleware } = await setUp(capture, { file, ...options }, sessions);
    return new CaptureScene(file, host, middleware);
  }

  /** Leg 1 is open, and the flow waits for its target. */
  enter(facts: SceneFacts = {}): ScriptedFlow {
    const flow = new ScriptedFlow(facts);
    // The file tells how the flow ends, so no code here waits for the end.
    flow.enter(this.#middleware).catch(() => {});
    flow.legs[0].from = flow.origin;
    flow.legs[0].to = facts.listen ?? listener;
    flow.legs[0].opened();
    return flow;
  }

  /** Leg 3 is open, with these addresses. Resolves when the addresses were looked up. */
  async dial(flow: ScriptedFlow, ends: { readonly from?: Address; readonly to?: Address } = {}): Promise<void> {
    flow.legs[2].from = ends.from;
    flow.legs[2].to = ends.to ?? flow.target;
    flow.legs[2].opened();
    await flow.legs[2].located;
    await turn();
  }

  send(flow: ScriptedFlow, direction: Direction, chunk: Chunk): void {
    for (const leg of onTheWay(flow, direction)) leg.bytes(direction, chunk);
  }

  end(flow: ScriptedFlow, direction: Direction): void {
    for (const leg of onTheWay(flow, direction)) leg.ended(direction);
  }

  /** Plays a request with its half-close, then the answer with its end. */
  exchange(flow: ScriptedFlow, request: Chunk, answer: Chunk): void {
    this.send(flow, "up", request);
    this.end(flow, "up");
    for (let at = 0; at < answer.length; at += 70_001) this.send(flow, "down", answer.subarray(at, at + 70_001));
    this.end(flow, "down");
    flow.finish();
  }

  /** Breaks both open legs, as the core does. */
  break(flow: ScriptedFlow, reason: Error & { readonly leg?: 1 | 2 | 3 | undefined }): void {
    flow.legs[0].aborted(reason.leg === 1 ? "up" : "down", reason);
    flow.legs[2].aborted(reason.leg === 3 ? "down" : "up", reason);
    flow.break(reason);
  }

  close(): Promise<void> {
    return this.host.dispose();
  }
}

export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function onTheWay(flow: ScriptedFlow, direction: Direction) {
  const [near, , far] = flow.legs;
  return direction === "up" ? [near, far] : [far, near];
}
