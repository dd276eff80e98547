/**
 * Tries a tunnel leg by leg, with the sessions, listeners and dialers that `run` would use: first the
 * way to the server, then both ends of each forward. Everything that does not need a failed step is
 * tried, and nothing is left behind.
 */
import { defaults } from "../../config/defaults.ts";
import { PorthopError } from "../../errors.ts";
import type { Listener } from "../../flow/conn.ts";
import type { Telling } from "../../flow/telling.ts";
import type { Hop } from "../../ssh/route.ts";
import type { ForwardingSession } from "../pairing.ts";
import type { SshPlan } from "../plan/tunnel-plan.ts";
import { Connecting } from "../uplink/connecting.ts";
import type { Uplink } from "../uplink/uplink.ts";
import { checkListener, checkTarget } from "./check-forward.ts";
import type { CheckStep } from "./check-step.ts";
import { WayCheck } from "./check-way.ts";
import { dialLimitMs } from "./target-dial.ts";

export interface CheckOptions {
  /** Called with each step, in the order of the way. */
  tell(step: CheckStep): void;
  /** Whether a person may be asked for a password: then the login has no time limit. */
  readonly isAttended: boolean;
  /** Shorter limits, for tests. */
  readonly limits?: Partial<CheckLimits>;
}

type CheckLimits = Readonly<
  Record<"nameMs" | "connectMs" | "loginMs" | "listenMs" | "dialMs" | "greetingMs" | "comeBackMs", number>
>;

/** loginMs is sshd's own limit for a login (LoginGraceTime, 120 s by default). */
const usualLimits: CheckLimits = {
  nameMs: 10_000,
  connectMs: defaults.checkConnectTimeoutMs,
  loginMs: 120_000,
  listenMs: 10_000,
  dialMs: dialLimitMs,
  greetingMs: 500,
  comeBackMs: 2000,
};

/** Rejects only when `signal` fires, or when a person gave up at a question. */
export async function checkTunnel(
  plan: SshPlan,
  telling: Telling,
  { tell, isAttended, limits: shorter }: CheckOptions,
  signal: AbortSignal,
): Promise<void> {
  const limits = { ...usualLimits, ...shorter };
  const hops = hopsOf(plan, limits.connectMs);
  const settings = hops.map((hop) => hop.settings);
  const loginMs = isAttended ? undefined : limits.loginMs;
  const way = new WayCheck(settings, plan.way?.command, { ...limits, loginMs }, tell);
  const connecting = new Connecting({ goals: [{ ...plan.way, hops }], reconnect: "never" }, telling);
  const stops = [
    telling.bus.on("progress", ({ step }) => way.progress(step)),
    telling.bus.on("session", ({ state, hop = hops.length }) => {
      if (state === "connecting") way.begins(hop);
    }),
  ];
  const held: Listener[] = [];
  try {
    const uplink = await connect(connecting, way, signal);
    await checkForwards(plan, uplink, { tell, telling }, { ...limits, signal }, held);
  } finally {
    for (const stop of stops) stop();
    await Promise.all(held.map((listener) => listener.close()));
    await connecting.close();
  }
}

/** Undefined when a step failed. That step has been reported then. */
async function connect(
  connecting: Connecting,
  way: WayCheck,
  signal: AbortSignal,
): Promise<Connecting["uplink"] | undefined> {
  try {
    await connecting.connect(AbortSignal.any([signal, way.late]));
    return connecting.uplink;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (!(error instanceof PorthopError) || error.code === "cancelled") throw error;
    way.failed(error);
    return undefined;
  } finally {
    way.end();
  }
}

async function checkForwards(
  plan: SshPlan,
  uplink: Uplink<ForwardingSession> | undefined,
  { tell, telling }: { readonly tell: CheckOptions["tell"]; readonly telling: Telling },
  { signal, ...limits }: CheckLimits & { readonly signal: AbortSignal },
  held: Listener[],
): Promise<void> {
  const options = {
    ...plan.here,
    remoteOpen: plan.remoteOpen,
    // dialMs limits the whole dial. One address that does not answer must leave time for the next address.
    dialTimeoutMs: plan.here.dialTimeoutMs ?? Math.ceil(limits.dialMs / 2),
    telling,
  };
  const context = { uplink, options, signal, limits };
  // All targets are dialed at once, because a target that does not answer takes long. The listeners come one
  // after the other, as in a tunnel.
  const targets = plan.forwards.map((forward) => checkTarget(forward, context, plan.session.port));
  // A rejection before the `await` below must not count as an unhandled one.
  for (const target of targets) target.catch(() => {});
  for (const [index, forward] of plan.forwards.entries()) {
    const listener = await checkListener(forward, context, held);
    if (listener !== undefined) tell(listener);
    const target = await targets[index];
    if (target !== undefined) tell(target);
  }
}

/**
 * The hosts on the way as in a tunnel, with a limit for each connection. The destination may be asked
 * what only the server can tell.
 */
function hopsOf({ session, trust, way }: SshPlan, connectMs: number): readonly Hop[] {
  const hops = [...(way?.jumps ?? []), { settings: { ...session, mayAskServer: true }, trust }];
  return hops.map(({ settings, ...hop }) => {
    if (settings.connectTimeoutMs !== undefined) return { ...hop, settings };
    return { ...hop, settings: { ...settings, connectTimeoutMs: connectMs, handshakeTimeoutMs: connectMs } };
  });
}
