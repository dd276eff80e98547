/**
 * Carries one flow from the inbound connection to the dialed one, through the chain.
 * Promises 3, 4 and 7: half-close both ways, a break on one side is a break on the other and never a clean end, and
 * the inbound is answered only after the dial told its result.
 */
import { PorthopError } from "../errors.ts";
import { messageOf } from "../text/error-message.ts";
import type { Chain } from "./chain.ts";
import type { Conn, Dialer, Inbound } from "./conn.ts";
import type { LiveFlow } from "./flow.ts";
import type { LiveHalf } from "./half.ts";

export interface Carriage {
  readonly flow: LiveFlow;
  readonly inbound: Inbound;
  readonly dialer: Dialer;
  readonly chain: Chain;
  /** Told once both sides are joined. */
  readonly opened: () => void;
}

export type FlowOutcome =
  | { readonly reason: "ended" }
  | { readonly reason: "refused" | "aborted"; readonly error: PorthopError };

/** Never rejects: however the flow goes, the outcome says it. */
export async function carry(carriage: Carriage): Promise<FlowOutcome> {
  const { flow, inbound, chain } = carriage;
  flow.legs[0].learn(inbound.leg);
  flow.legs[0].opened();
  const session = inbound.session ?? carriage.dialer.through;
  if (session !== undefined) flow.legs[1].learn(session);
  const state: Joining = { inbound: undefined, target: undefined };
  try {
    await chain.run(
      (plugin) => flow.enter(plugin),
      () => join(carriage, state),
    );
    if (flow.abortedBy === undefined) return { reason: "ended" };
    return { reason: "aborted", error: flow.abortedBy };
  } catch (thrown) {
    // A plugin that decided so and then lets nothing pass, or fails, has not changed the reason.
    const error = (flow.isDecided ? flow.abortedBy : undefined) ?? asPorthopError(thrown);
    if (state.inbound === undefined) return refuse(carriage, error);
    breakOff(flow, state, error);
    return { reason: "aborted", error };
  }
}

interface Joining {
  inbound: Conn | undefined;
  target: Conn | undefined;
}

async function join(carriage: Carriage, state: Joining): Promise<void> {
  const { flow, inbound, dialer } = carriage;
  if (flow.abortedBy !== undefined) throw flow.abortedBy;
  const target = flow.startDialing();
  const dialed = await dialer.dial(target, flow.origin, flow.cancel);
  state.target = dialed.conn;
  // Another session may have stood by the time of the dial.
  if (dialed.session !== undefined) flow.legs[1].learn(dialed.session);
  flow.legs[2].learn(dialed.leg);
  if (flow.abortedBy !== undefined) throw breakOff(flow, state, flow.abortedBy);
  flow.legs[2].opened();
  state.inbound = await inbound.accept(flow.legs[0]).catch((error: unknown) => {
    throw breakOff(flow, state, asPorthopError(error));
  });
  if (flow.abortedBy !== undefined) throw breakOff(flow, state, flow.abortedBy);
  carriage.opened();
  await pumpBoth(flow, state.inbound, state.target, state);
}

async function pumpBoth(flow: LiveFlow, inbound: Conn, target: Conn, state: Joining): Promise<void> {
  const near = { conn: inbound, leg: flow.legs[0] };
  const far = { conn: target, leg: flow.legs[2] };
  // A half that is over reads and writes no more, and the other may be idle: the break must be heard all the same.
  for (const conn of [inbound, target]) conn.onBroken((reason) => flow.abort(reason));
  // In this very turn: the stage that decided so may end in the next one, which must not look like an end of the flow.
  flow.onDecided((reason) => breakOff(flow, state, reason));
  inbound.onGone(() => takeLeave(flow.up, target, flow.down));
  target.onGone(() => takeLeave(flow.down, inbound, flow.up));
  const halves = Promise.all([flow.up.pump(near, far), flow.down.pump(far, near)]);
  // A stage that sleeps cannot be woken by a broken conn: the race lets the flow end without it.
  const stopped = flow.aborted.then((reason) => {
    throw reason;
  });
  try {
    await Promise.race([halves, stopped]);
    const lost = flow.up.undelivered ?? flow.down.undelivered;
    if (lost !== undefined) throw lost;
  } catch (error) {
    halves.catch(() => {
      // Both pumps reject when their conns break; the first reason is the one that counts.
    });
    throw breakOff(flow, state, asPorthopError(error));
  }
  near.leg.closed();
  far.leg.closed();
}

/** One side has gone. Once the other has got all that it said, that one is closed too. */
function takeLeave(heard: LiveHalf, other: Conn, spoken: LiveHalf): void {
  // Where it has all of it already, a break takes nothing back, and is the faster word to who still speaks.
  if (heard.isOver) spoken.mustDeliver = true;
  heard.onOver(() =>
    other.close(() => {
      spoken.isLeft = true;
    }),
  );
}

function refuse({ flow, inbound }: Carriage, error: PorthopError): FlowOutcome {
  // Only a target that was really dialed and said no gives leg 3 an RST of its own.
  if (error.code === "target.refused") flow.legs[2].refused(error);
  if (inbound.refusesInWords !== true) flow.legs[0].aborted("down", error);
  flow.abort(error);
  inbound.refuse(error, flow.legs[0]);
  return { reason: flow.isDecided ? "aborted" : "refused", error };
}

/** Breaks both ends; says the reason, so that it can be thrown. */
function breakOff(flow: LiveFlow, state: Joining, reason: PorthopError): PorthopError {
  // An RST travels away from the end that broke: what the origin did goes up, what the target did goes down, and what
  // happened between them goes to both.
  flow.legs[0].aborted(reason.leg === 1 ? "up" : "down", reason);
  flow.legs[2].aborted(reason.leg === 3 ? "down" : "up", reason);
  state.inbound?.abort(reason);
  state.target?.abort(reason);
  flow.abort(reason);
  return reason;
}

function asPorthopError(error: unknown): PorthopError {
  if (error instanceof PorthopError) return error;
  return new PorthopError("internal", `a flow failed: ${messageOf(error)}`, { cause: error });
}
