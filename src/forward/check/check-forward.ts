/**
 * Tries the two ends of a forward as a tunnel would use them. The listener is bound and held to the end of the check,
 * because two forwards may want one port. The target is dialed and listened to. No flow is carried.
 */
import { lstatSync } from "node:fs";
import { type Address, formatAddress, isUnix } from "../../codec/address.ts";
import type { Forward } from "../../config/forward.ts";
import { PorthopError } from "../../errors.ts";
import type { Dialer, Inbound, Listener } from "../../flow/conn.ts";
import { quoted } from "../../text/terminal-text.ts";
import { serviceMistake } from "../../tunnel/service-mistakes.ts";
import { type ForwardingSession, type Pairing, type PairingOptions, pair } from "../pairing.ts";
import type { Uplink } from "../uplink/uplink.ts";
import { type CheckStep, skipped, tried, within } from "./check-step.ts";
import { ComingBack } from "./come-back.ts";
import { dialTarget } from "./target-dial.ts";
import { hearTarget } from "./target-greeting.ts";

export interface ForwardCheckContext {
  /** Undefined without a session: then only what needs no session is tried. */
  readonly uplink: Uplink<ForwardingSession> | undefined;
  readonly options: PairingOptions;
  readonly signal: AbortSignal;
  readonly limits: ForwardLimits;
}

export interface ForwardLimits {
  readonly listenMs: number;
  readonly dialMs: number;
  /** How long a target that was reached may take to speak first. */
  readonly greetingMs: number;
  /** How long a connection that the server makes to a listener of its own may take to come back. */
  readonly comeBackMs: number;
}

export const noSession = "needs a session with the server";

/**
 * Tries the listener; undefined for a forward without one (-W). The listener is added to `held`, whose owner closes it.
 */
export async function checkListener(
  forward: Forward,
  context: ForwardCheckContext,
  held: Listener[],
): Promise<CheckStep | undefined> {
  const { id, listen } = forward;
  if (listen === undefined) return undefined;
  const place = { step: "listener", forward: id, leg: 1 } as const;
  const { uplink, options, signal, limits } = context;
  const isThere = forward.side === "server";
  if (isThere && uplink === undefined) return skipped(place, noSession);
  // sshd leaves the file of a unix socket behind when the forward is cancelled, and the next
  // listener at that path would fail.
  if (isThere && isUnix(listen)) return skipped(place, `not tried: sshd would leave the file ${listen.path} behind`);
  if (!isThere && isReplaceable(listen, options)) {
    const message = `${formatAddress(listen)} is there already, and StreamLocalBindUnlink lets run replace it`;
    return tried(place, async () => ({ message }), signal);
  }
  const { listen: begin } = sidesOf(forward, uplink, withoutUnlink(options));
  const late = () =>
    new PorthopError("forward.refused", `no answer about ${formatAddress(listen)} in ${limits.listenMs / 1000} s`, {
      leg: 1,
    });
  return tried(
    place,
    async () => {
      const close = (listener: Listener) => void listener.close();
      const back = new ComingBack();
      const accept = (inbound: Inbound) => back.accept(inbound);
      const listener = await within(limits.listenMs, signal, late, (limit) => begin(accept, limit), close);
      held.push(listener);
      const { addresses, remarks = [] } = listener;
      if (listener.isPartial === true) throw byHalf(remarks.join("; "));
      const places = addresses.map(formatAddress).join(" and ");
      const where = listener.isUnseen === true ? await whereUnseen(forward, addresses[0], back, context) : places;
      return { message: [`${isThere ? "the server listened on" : "could listen on"} ${where}`, ...remarks].join("; ") };
    },
    signal,
  );
}

/** In words, where the server listens. Rejects when another program has a part of the port. */
async function whereUnseen(
  forward: Forward,
  listen: Address,
  back: ComingBack,
  { uplink, options, signal, limits }: ForwardCheckContext,
): Promise<string> {
  if (uplink === undefined || isUnix(listen)) return formatAddress(listen);
  const { dialer } = pair({ ...forward, kind: "local", side: "here" }, uplink, options);
  const { ours, others } = await back.tryAddresses(dialer, listen, limits.comeBackMs, signal);
  const places = (addresses: readonly Address[]) => addresses.map(formatAddress).join(" and ");
  if (others.length > 0) {
    const rest = ours.length > 0 ? `on ${places(ours)} only` : "somewhere else";
    throw byHalf(`the server listens ${rest}: another program answers on ${places(others)} there`);
  }
  if (ours.length > 0) return `${places(ours)} (a connection to it came back)`;
  return `port ${listen.port}; on which of its addresses only it knows`;
}

function byHalf(message: string): PorthopError {
  return new PorthopError("forward.refused", message, {
    leg: 1,
    hint: "take another port, or stop that program; ss -ltnp on the server shows which one it is",
  });
}

/** Tries the target; undefined when only a client can name the target and this machine would dial. */
export async function checkTarget(
  forward: Forward,
  context: ForwardCheckContext,
  sshdPort: number,
): Promise<CheckStep | undefined> {
  const { id, connect } = forward;
  const { uplink, options, signal } = context;
  const place = { step: connect === undefined ? "dial" : "target", forward: id, leg: 3 } as const;
  if (connect === undefined && forward.side === "server") return undefined;
  if (uplink === undefined && forward.side === "here") return skipped(place, noSession);
  const { dialer } = sidesOf(forward, uplink, options);
  if (connect === undefined) return tried(place, () => probe(dialer, sshdPort, context), signal);
  return tried(place, () => reach(dialer, connect, context), signal);
}

/**
 * The listener and the dialer of a forward. Without a session the forward is tried as a relay, because the end on this
 * machine needs no session.
 */
function sidesOf(
  forward: Forward,
  uplink: Uplink<ForwardingSession> | undefined,
  options: PairingOptions,
): Pick<Pairing, "listen" | "dialer"> {
  return uplink === undefined
    ? pair({ ...forward, kind: "relay" }, undefined, options)
    : pair(forward, uplink, options);
}

async function reach(dialer: Dialer, target: Address, { signal, limits }: ForwardCheckContext) {
  const where = formatAddress(target);
  const since = performance.now();
  const { conn } = await dialTarget(dialer, target, limits.dialMs, signal);
  const ms = performance.now() - since;
  const heard = await hearTarget(conn, limits.greetingMs).catch((error: unknown) => {
    throw hungUp(target, "reset the connection at once", error);
  });
  if (heard.text === undefined && heard.ended) {
    throw hungUp(target, "took the connection and ended it at once, without a word");
  }
  const found =
    heard.text === undefined ? "takes connections, and waits to be spoken to" : `says ${quoted(heard.text)}`;
  // That the port is reached is not all for these: what works here would not work in use.
  const more = isUnix(target) ? undefined : serviceMistake(target.port)?.text;
  return { message: `${where} ${found}${more === undefined ? "" : `; but ${more}`}`, ms };
}

/**
 * Tries whether the server dials at all, for a forward whose clients name the target. Any target shows that, and sshd
 * itself is one that exists.
 */
async function probe(dialer: Dialer, sshdPort: number, { signal, limits }: ForwardCheckContext) {
  const target = { host: "localhost", port: sshdPort };
  const where = formatAddress(target);
  try {
    const { conn } = await dialTarget(dialer, target, limits.dialMs, signal);
    conn.abort(new PorthopError("cancelled", "the server dials: that is all that was to be known"));
    return { message: `the server dials for it: its own ${where} was reached` };
  } catch (error) {
    if (signal.aborted || !(error instanceof PorthopError)) throw error;
    // The server has tried to dial, and nothing else matters here: behind a NAT sshd may listen on another port.
    if (error.code === "target.refused" || error.code === "target.unreachable") {
      return { message: `the server dials for it: nothing is at its own ${where}, and nothing has to be` };
    }
    if (error.code !== "target.prohibited") throw error;
    const { code, message, leg, cause } = error;
    const hint =
      "see AllowTcpForwarding, PermitOpen and key restrictions there; with a PermitOpen others may be allowed";
    throw new PorthopError(code, message, { hint, leg, cause });
  }
}

function hungUp(target: Address, how: string, cause?: unknown): PorthopError {
  // The session itself may be lost: its error says more.
  if (cause instanceof PorthopError && cause.code === "ssh.lost") return cause;
  return new PorthopError("target.unreachable", `the target ${formatAddress(target)} ${how}`, {
    leg: 3,
    hint: "so does a proxy (of Docker, a load balancer) with no service behind it, or a service that does not let this client in",
    cause,
  });
}

function isReplaceable(listen: Address, { unix }: PairingOptions): boolean {
  if (!isUnix(listen) || unix.unlink !== true) return false;
  return lstatSync(listen.path, { throwIfNoEntry: false })?.isSocket() === true;
}

/** A check must not take a socket away from the program that listens there. */
function withoutUnlink(options: PairingOptions): PairingOptions {
  return { ...options, unix: { ...options.unix, unlink: false } };
}
