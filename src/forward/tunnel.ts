/**
 * A tunnel: a session, its forwards and the chain. Starts them in the order that promise 8 wants (plugins, session,
 * listeners), reports what happens, and stops without losing what is under way.
 */

import { formatAddress, isUnix } from "../codec/address.ts";
import { type Forward, targetPorts } from "../config/forward.ts";
import { PorthopError } from "../errors.ts";
import { Chain, type ChainContext, type PreparedPlugin } from "../flow/chain.ts";
import type { Inbound, Listener } from "../flow/conn.ts";
import { listenTcp, type TcpListener } from "../io/listen.ts";
import { channelDialer } from "../ssh/channel-dialer.ts";
import { Session, type SessionHooks, type SessionSettings } from "../ssh/session.ts";
import type { Report, TunnelEvent } from "./event.ts";
import { Flows } from "./flows.ts";

export interface TunnelPlan {
  readonly session: SessionSettings;
  readonly trust: SessionHooks["trust"];
  readonly forwards: readonly Forward[];
  readonly plugins: readonly PreparedPlugin[];
  /** A listener that cannot be set up ends the tunnel (ExitOnForwardFailure; porthop's default is yes). */
  readonly exitOnForwardFailure: boolean;
}

export interface TunnelHooks extends ChainContext {
  readonly report: Report;
  debug(text: string): void;
  banner(text: string): void;
}

export class Tunnel {
  readonly #plan: TunnelPlan;
  readonly #hooks: TunnelHooks;
  readonly #listeners: Listener[] = [];
  #chain: Chain | undefined;
  #session: Session | undefined;
  #flows: Flows | undefined;

  constructor(plan: TunnelPlan, hooks: TunnelHooks) {
    this.#plan = plan;
    this.#hooks = hooks;
  }

  /** Resolves when all listeners are up, with a promise of why the session was lost, should it be. */
  async start(signal: AbortSignal): Promise<{ readonly lost: Promise<PorthopError> }> {
    const { session: settings, plugins } = this.#plan;
    const chain = await Chain.setUp(plugins, this.#hooks);
    this.#chain = chain;
    this.#reportSession("connecting");
    const session = await Session.connect(settings, this.#sessionHooks(chain), signal);
    this.#session = session;
    this.#reportSession("ready");
    if (chain.locatesTargets) await session.locator.start(targetPorts(this.#plan.forwards));
    this.#flows = new Flows(chain, this.#hooks);
    const up: string[] = [];
    for (const forward of this.#plan.forwards) {
      if (await this.#listen(forward, session, this.#flows)) up.push(forward.id);
    }
    this.#hooks.report({ event: "ready", forwards: up });
    const lost = session.lost.then(async (reason) => {
      this.#reportSession("lost");
      this.#hooks.report({ event: "error", error: reason });
      return reason;
    });
    return { lost };
  }

  /** Stops accepting, lets open flows finish for up to `graceMs`, then breaks the rest and closes everything. */
  async stop(graceMs: number, hurry: AbortSignal): Promise<void> {
    await Promise.all(this.#listeners.splice(0).map((listener) => listener.close()));
    await this.#flows?.drain(graceMs, hurry);
    if (this.#session !== undefined) {
      await this.#session.close();
      this.#reportSession("closed");
    }
    await this.#chain?.dispose();
  }

  /** False when it could not be set up and the tunnel goes on without it. */
  async #listen(forward: Forward, session: Session, flows: Flows): Promise<boolean> {
    try {
      const listener = await openListener(
        forward,
        (inbound) => {
          flows.carry(forward, inbound, channelDialer(session), session.leg);
        },
        this.#plan.session.family,
      );
      this.#listeners.push(listener);
      this.#hooks.report({
        event: "listening",
        forward: forward.id,
        kind: forward.kind,
        listen: listener.address,
        addresses: listener.addresses,
        connect: forward.connect,
        side: "here",
      });
      return true;
    } catch (error) {
      if (this.#plan.exitOnForwardFailure || !(error instanceof PorthopError)) throw error;
      this.#hooks.report({ event: "error", error });
      return false;
    }
  }

  #sessionHooks(chain: Chain): SessionHooks {
    const { debug, banner, loggerFor } = this.#hooks;
    return {
      trust: this.#plan.trust,
      wire: (viewFor) => chain.sessionStarted(viewFor),
      dropped: (plugin, error) => loggerFor(plugin).warn(`stopped watching the session: ${String(error)}`),
      debug,
      banner,
    };
  }

  #reportSession(state: Extract<TunnelEvent, { event: "session" }>["state"]): void {
    const { host, port, user } = this.#plan.session;
    const facts = this.#session?.facts;
    const known =
      facts === undefined
        ? {}
        : { local: facts.local, remote: facts.remote, cipher: facts.cipher, kex: facts.kex, hostKey: facts.hostKey };
    this.#hooks.report({ event: "session", state, host, port, user, attempt: 1, ...known });
  }
}

function openListener(
  forward: Forward,
  onInbound: (inbound: Inbound) => void,
  family: 4 | 6 | undefined,
): Promise<TcpListener> {
  const { listen } = forward;
  if (forward.kind !== "local" || listen === undefined || isUnix(listen)) {
    const where = listen === undefined ? "" : ` on ${formatAddress(listen)}`;
    throw new PorthopError("usage", `porthop cannot do the forward ${forward.id}${where} yet: only -L from TCP`, {
      hint: "use ssh for this one",
    });
  }
  return listenTcp(listen, onInbound, { family });
}
