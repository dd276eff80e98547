/**
 * Tries a tunnel leg by leg, with the sessions, listeners and dialers that `run` would use: the way to the server, then
 * both ends of each forward. All that does not depend on what failed is tried, and nothing is left behind.
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

export interface CheckOptions {
  /** Told each step, in the order of the way. */
  tell(step: CheckStep): void;
  /** Somebody may be asked for a password: the login takes as long as they do. */
  readonly isAttended: boolean;
  /** Shorter ones, for tests. */
  readonly limits?: Partial<CheckLimits>;
}

type CheckLimits = Readonly<Record<"nameMs" | "connectMs" | "loginMs" | "listenMs" | "dialMs" | "greetingMs", number>>;

/** sshd gives a login 120 s by default (LoginGraceTime). */
const usualLimits: CheckLimits = {
  nameMs: 10_000,
  connectMs: defaults.checkConnectTimeoutMs,
  loginMs: 120_000,
  listenMs: 10_000,
  dialMs: 10_000,
  greetingMs: 500,
};

/** Rejects only when told to stop, or when a person has given up at a question. */
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
  const connecting = new Connecting({ ...plan.way, hops }, telling);
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

/** Undefined when it failed, which is told then. */
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
    // The target has its own limit here, and an address that does not answer must not use it up for the next one.
    dialTimeoutMs: plan.here.dialTimeoutMs ?? Math.ceil(limits.dialMs / 2),
    telling,
  };
  const context = { uplink, options, signal, limits };
  // All targets at once, for one that does not answer takes its time; the listeners in their order, as a tunnel has them.
  const targets = plan.forwards.map((forward) => checkTarget(forward, context, plan.session.port));
  // A rejection that is not waited for yet is one of all: it is heard below.
  for (const target of targets) target.catch(() => {});
  for (const [index, forward] of plan.forwards.entries()) {
    const listener = await checkListener(forward, context, held);
    if (listener !== undefined) tell(listener);
    const target = await targets[index];
    if (target !== undefined) tell(target);
  }
}

/** As a tunnel has them, but with a limit for each connection; and a check asks the destination what only it can tell. */
function hopsOf({ session, trust, way }: SshPlan, connectMs: number): readonly Hop[] {
  const hops = [...(way?.jumps ?? []), { settings: { ...session, mayAskServer: true }, trust }];
  return hops.map(({ settings, ...hop }) => {
    if (settings.connectTimeoutMs !== undefined) return { ...hop, settings };
    return { ...hop, settings: { ...settings, connectTimeoutMs: connectMs, handshakeTimeoutMs: connectMs } };
  });
}
