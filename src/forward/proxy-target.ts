/**
 * The target that a client asks for in a SOCKS or HTTP handshake, for dynamic and reverse dynamic forwards.
 * Promise 7: the client is answered only after the dial, with the true result. A client that is silent, talks nonsense
 * or does not leave after a refusal is cut off.
 */
import { type Address, formatAddress, isLoopback, isUnix } from "../codec/address.ts";
import { type HandshakeStep, type ProxyAnswers, ProxyHandshake } from "../codec/proxy/proxy-handshake.ts";
import { PorthopError } from "../errors.ts";
import type { Cancel, Conn, Inbound, LegTeller, Passed } from "../flow/conn.ts";
import type { Chunk } from "../plugin.ts";
import { PlainHttpConn } from "./plain-http-conn.ts";
import { proxyFailure } from "./proxy-failure.ts";
import type { AskedConnection, TargetSource } from "./target-source.ts";

export interface ProxyOptions {
  /** The time limit from the connection to the complete request. */
  readonly handshakeMs?: number;
  /** How long a client that was refused may take to read the refusal and to leave. */
  readonly farewellMs?: number;
}

export function proxyTarget({ handshakeMs = 10_000, farewellMs = 2000 }: ProxyOptions = {}): TargetSource {
  return async (inbound, signal) => {
    const conn = await inbound.accept();
    const late = noRequest(`the client asked for no target within ${handshakeMs / 1000} s`);
    const passed: Passed[] = [];
    try {
      const step = await bounded(conn, handshakeMs, late, signal, () => shakeHands(conn, passed));
      if (step.kind === "asked") return ask(inbound, conn, step, passed, farewellMs);
      const refused = noRequest(step.reason);
      // A client that does not leave is cut off, which is all the same now.
      await bounded(conn, farewellMs, refused, signal, () => bidFarewell(conn, step.reply)).catch(() => {});
      return { refused };
    } catch (error) {
      // Whoever connects and says nothing scans ports, or is a browser that connects in advance.
      if (passed.length === 0 || !(error instanceof PorthopError) || isOfPorthop(error)) throw error;
      return { refused: error };
    }
  };
}

/** True when the client did nothing: porthop stops, or the session is lost. */
function isOfPorthop({ code }: PorthopError): boolean {
  return code === "cancelled" || code === "ssh.lost";
}

/** The warning for a proxy that other machines can use; undefined when only this machine can. */
export function openProxyRemark(addresses: readonly Address[]): string | undefined {
  const open = addresses.find((address) => !isUnix(address) && !isLoopback(address.host));
  if (open === undefined) return undefined;
  return `anyone who can reach ${formatAddress(open)} can use it as a proxy, for it asks for no password: leave out the bind address (and -g) to keep it to this machine`;
}

type FinalStep = Exclude<HandshakeStep, { kind: "more" }>;

/**
 * Reads until the client's request is complete. `passed` gets the bytes of the handshake in both directions, without
 * those that are for the target.
 */
async function shakeHands(conn: Conn, passed: Passed[]): Promise<FinalStep> {
  const handshake = new ProxyHandshake();
  for (;;) {
    const chunk = await conn.read();
    if (chunk === undefined) {
      await conn.end();
      throw noRequest("the client left without asking for a target");
    }
    const step = handshake.take(chunk);
    if (step.kind === "refused") return step;
    const early = step.kind === "asked" ? step.early.length : 0;
    passed.push({ direction: "up", chunk: chunk.subarray(0, chunk.length - early) });
    if (step.reply.length > 0) {
      await conn.write(step.reply);
      passed.push({ direction: "down", chunk: step.reply });
    }
    if (step.kind === "asked") return step;
  }
}

function ask(
  { origin, leg, session }: Inbound,
  conn: Conn,
  { target, answers, early, plain }: Extract<FinalStep, { kind: "asked" }>,
  passed: readonly Passed[],
  farewellMs: number,
): AskedConnection {
  const inbound: Inbound = {
    origin,
    leg: { ...leg, passed },
    session,
    refusesInWords: true,
    ...(plain === undefined ? {} : { tellsLeg: true }),
    async accept(told) {
      if (plain !== undefined) return new PlainHttpConn(conn, plain, early, told);
      const reply = answers.accepted();
      told?.bytes("down", reply);
      await conn.write(reply);
      return early.length === 0 ? conn : withEarly(conn, early);
    },
    refuse: (error, told) => void refuse(conn, answers, error, early, farewellMs, told),
    onBroken: (told) => conn.onBroken(told),
  };
  return { inbound, target };
}

async function refuse(
  conn: Conn,
  answers: ProxyAnswers,
  error: PorthopError,
  early: Chunk,
  farewellMs: number,
  told: LegTeller | undefined,
): Promise<void> {
  // The client's bytes for the target are lost, but they were on the wire.
  if (early.length > 0) told?.bytes("up", early);
  const where = error.leg === undefined ? "" : `leg ${error.leg}: `;
  const reply = answers.refused(proxyFailure(error), `${where}${error.message}`);
  try {
    await bounded(conn, farewellMs, error, undefined, () => bidFarewell(conn, reply, told));
  } catch {
    told?.aborted("down", error);
  }
}

/**
 * Sends the last answer and waits until the client has left: an RST would take the answer
 * back before the client reads it.
 */
async function bidFarewell(conn: Conn, reply: Chunk, told?: LegTeller): Promise<void> {
  const speak = async () => {
    if (reply.length > 0) {
      told?.bytes("down", reply);
      await conn.write(reply);
    }
    told?.ended("down");
    await conn.end();
  };
  const listen = async () => {
    for (;;) {
      const chunk = await conn.read();
      if (chunk === undefined) break;
      told?.bytes("up", chunk);
    }
    told?.ended("up");
  };
  await Promise.all([speak(), listen()]);
}

/** Runs `work`, and aborts the connection after `ms` or when `signal` fires: then `work` rejects. */
async function bounded<T>(
  conn: Conn,
  ms: number,
  late: PorthopError,
  signal: Cancel | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const onAbort = () => conn.abort(signal?.reason instanceof PorthopError ? signal.reason : late);
  const timer = setTimeout(() => conn.abort(late), ms);
  signal?.addEventListener("abort", onAbort, { once: true });
  if (signal?.aborted) onAbort();
  try {
    return await work();
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}

/** The conn with `early` in front: bytes that were read together with the request. */
function withEarly(conn: Conn, early: Chunk): Conn {
  let first: Chunk | undefined = early;
  return {
    read() {
      if (first === undefined) return conn.read();
      const chunk = first;
      first = undefined;
      return Promise.resolve(chunk);
    },
    write: (chunk) => conn.write(chunk),
    end: () => conn.end(),
    close: (left) => conn.close(left),
    abort: (reason) => conn.abort(reason),
    onBroken: (told) => conn.onBroken(told),
    joined: () => conn.joined?.(),
    get isGone() {
      return conn.isGone;
    },
    onGone: (told) => conn.onGone(told),
  };
}

/** The error of a connection that becomes no flow. */
function noRequest(message: string): PorthopError {
  return new PorthopError("target.prohibited", message, {
    leg: 1,
    hint: "set this port up in the program as its SOCKS or HTTP proxy",
  });
}
