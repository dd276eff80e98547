/**
 * Carries one flow from the inbound connection to the dialed one, through the chain. Promises 3, 4 and 7: half-close
 * works both ways. A break on one side breaks the other side, and never looks like a clean end. The inbound connection
 * is answered only after the dial has succeeded or failed; when it breaks before, the dial is given up.
 */
import { PorthopError } from "../errors.ts";
import { messageOf } from "../text/error-message.ts";
import type { Chain } from "./chain.ts";
import type { Conn, Dialer, Held, Inbound } from "./conn.ts";
import type { LiveFlow } from "./flow.ts";
import type { HalfEnd, LiveHalf } from "./half.ts";
import type { LiveLeg } from "./leg.ts";

export interface Carriage {
  readonly flow: LiveFlow;
  readonly inbound: Inbound;
  readonly dialer: Dialer;
  readonly chain: Chain;
  /** Hears that the flow had to wait until its target could be dialed. */
  readonly held?: Held | undefined;
  /** Called once, when both sides are open and the pumps are about to start. */
  readonly opened: () => void;
}

export type FlowOutcome =
  | { readonly reason: "ended" }
  | { readonly reason: "refused" | "aborted"; readonly error: PorthopError };

/** Never rejects: the outcome says how the flow ended. */
export async function carry(carriage: Carriage): Promise<FlowOutcome> {
  const { flow, inbound, chain } = carriage;
  flow.legs[0].learn(inbound.leg);
  flow.legs[0].opened();
  const session = inbound.session ?? carriage.dialer.through;
  if (session !== undefined) flow.legs[1].learn(session);
  const state: Joining = { inbound: undefined, target: undefined };
  inbound.onBroken?.((reason) => flow.leave(reason));
  try {
    await chain.run(
      (plugin) => flow.enter(plugin),
      () => join(carriage, state),
    );
    if (flow.abortedBy === undefined) return { reason: "ended" };
    return { reason: "aborted", error: flow.abortedBy };
  } catch (thrown) {
    // A plugin may decide to end the flow, and after that throw or not call `next`. The first decision stays the
    // reason.
    const error = (flow.isDecided || flow.hasLeft ? flow.abortedBy : undefined) ?? asPorthopError(thrown);
    if (state.inbound === undefined && !flow.hasLeft) return refuse(carriage, error);
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
  const dialed = await dialer.dial(target, flow.origin, flow.cancel, carriage.held).catch((error: unknown) => {
    flow.settle();
    throw error;
  });
  state.target = dialed.conn;
  // The session may have been lost and made again before the dial. Leg 2 is then the new session.
  if (dialed.session !== undefined) flow.legs[1].learn(dialed.session);
  flow.legs[2].learn(dialed.leg);
  if (flow.abortedBy !== undefined) throw breakOff(flow, state, flow.abortedBy);
  flow.legs[2].opened();
  if (flow.abortedBy !== undefined) throw breakOff(flow, state, flow.abortedBy);
  state.inbound = await inbound.accept(flow.legs[0]).catch((error: unknown) => {
    throw breakOff(flow, state, asPorthopError(error));
  });
  if (flow.abortedBy !== undefined) throw breakOff(flow, state, flow.abortedBy);
  carriage.opened();
  if (flow.abortedBy !== undefined) throw breakOff(flow, state, flow.abortedBy);
  const leg = inbound.tellsLeg === true ? endsOnly(flow.legs[0]) : flow.legs[0];
  await pumpBoth(flow, { conn: state.inbound, leg }, state.target, state);
}

/** The leg, whose bytes somebody else tells. */
function endsOnly(leg: LiveLeg): HalfEnd["leg"] {
  return { bytes: () => {}, ended: (direction) => leg.ended(direction) };
}

async function pumpBoth(flow: LiveFlow, near: HalfEnd, target: Conn, state: Joining): Promise<void> {
  const inbound = near.conn;
  const far = { conn: target, leg: flow.legs[2] };
  // A half that is over neither reads nor writes, and the other half may be idle. A break must be heard in these cases
  // too.
  for (const conn of [inbound, target]) conn.onBroken((reason) => flow.abort(reason));
  inbound.joined?.();
  // The break must happen in this turn of the event loop. The stage that decided may end in the next turn, and its
  // return must not look like an end of the flow.
  flow.onDecided((reason) => breakOff(flow, state, reason));
  inbound.onGone(() => takeLeave(flow.up, target, flow.down));
  target.onGone(() => takeLeave(flow.down, inbound, flow.up));
  const halves = Promise.all([flow.up.pump(near, far), flow.down.pump(far, near)]);
  // A broken conn cannot wake a stage that sleeps. The race lets the flow end without that stage.
  const stopped = flow.aborted.then((reason) => {
    throw reason;
  });
  try {
    await Promise.race([halves, stopped]);
    const lost = flow.up.undelivered ?? flow.down.undelivered;
    if (lost !== undefined) throw lost;
  } catch (error) {
    halves.catch(() => {
      // Both pumps reject when their conns break. Only the first reason counts.
    });
    throw breakOff(flow, state, asPorthopError(error));
  }
  flow.settle();
  flow.legs[0].closed();
  flow.legs[2].closed();
}

/**
 * One side has gone. When the other side has received all bytes of that side, it is closed too. `heard` is the half
 * that comes from the side that has gone, `spoken` is the half that goes there.
 */
function takeLeave(heard: LiveHalf, other: Conn, spoken: LiveHalf): void {
  // When the other side has received everything, a break loses no data. A break is then the fastest way to tell a side
  // that still sends.
  if (heard.isOver) spoken.mustDeliver = true;
  heard.onOver(() =>
    other.close(() => {
      spoken.isLeft = true;
    }),
  );
}

function refuse({ flow, inbound }: Carriage, error: PorthopError): FlowOutcome {
  // Leg 3 is told of an RST only when the target was really dialed and refused.
  if (error.code === "target.refused") flow.legs[2].refused(error);
  if (inbound.refusesInWords !== true) flow.legs[0].aborted("down", error);
  flow.abort(error);
  inbound.refuse(error, flow.legs[0]);
  return { reason: flow.isDecided ? "aborted" : "refused", error };
}

/** Breaks both ends. Returns the reason, so that callers can throw it. */
function breakOff(flow: LiveFlow, state: Joining, reason: PorthopError): PorthopError {
  // An RST goes away from the end that broke. A break by the origin goes up, a break by the target goes down, and a
  // break between them goes to both ends.
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
