/**
 * Dials a target to see whether it is reached, and leaves it in good order. No client asked for the connection, and
 * nothing is sent. `porthop check` and --check-target do this.
 */
import { type Address, formatAddress } from "../../codec/address.ts";
import { PorthopError } from "../../errors.ts";
import type { Conn, Dialed, Dialer } from "../../flow/conn.ts";
import type { Chunk } from "../../plugin.ts";
import { within } from "./check-step.ts";
import { noClient } from "./come-back.ts";

/** How long a target may take to answer. */
export const dialLimitMs = 10_000;
/** How long the target may take to end its half after porthop has ended its own. */
const goodbyeMs = 200;

/** Rejects with the reason when the target cannot be reached within `ms`, or when `signal` fires. */
export async function dialTarget(dialer: Dialer, target: Address, ms: number, signal: AbortSignal): Promise<Dialed> {
  const late = () =>
    new PorthopError("target.unreachable", `the target ${formatAddress(target)} did not answer in ${ms / 1000} s`, {
      leg: 3,
      hint: "it is off, or a firewall in front of it drops what is sent to it: check the address and the port",
    });
  const give = (limit: AbortSignal) => dialer.dial(target, noClient, limit);
  return await within(ms, signal, late, give, ({ conn }) => conn.abort(late()));
}

/**
 * Ends the connection and waits a short time for the target to do so too, so that a service logs no broken connection.
 * `reading` is a read that is under way.
 */
export async function leaveTarget(conn: Conn, reading?: Promise<Chunk | undefined>): Promise<void> {
  let alarm: ReturnType<typeof setTimeout> | undefined;
  const patience = new Promise<void>((resolve) => {
    alarm = setTimeout(resolve, goodbyeMs);
  });
  // An error here does not matter: what was wanted is known.
  void reading?.catch(() => {});
  await Promise.race([drain(conn, reading).catch(() => {}), patience]);
  clearTimeout(alarm);
  conn.abort(new PorthopError("cancelled", "this target was only tried"));
}

async function drain(conn: Conn, reading: Promise<Chunk | undefined> | undefined): Promise<void> {
  await conn.end();
  for (let chunk = await (reading ?? conn.read()); chunk !== undefined; chunk = await conn.read());
}
