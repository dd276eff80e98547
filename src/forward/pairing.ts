/**
 * What a forward is made of (design.md, section 1): who listens, where the target comes from, and who dials. A kind of
 * forward is a choice of these three and has no code of its own beyond this file.
 */
import type { RemoteOpenRules } from "../codec/config/remote-open.ts";
import type { Forward } from "../config/forward.ts";
import { PorthopError } from "../errors.ts";
import type { Dialer, Inbound, LegFacts, Listener } from "../flow/conn.ts";
import { hereDialer } from "../io/here-dialer.ts";
import { channelDialer } from "../ssh/channel/channel-dialer.ts";
import type { Session } from "../ssh/session.ts";
import { type HereOptions, listenHere } from "./here-listener.ts";
import { permittedDialer } from "./permitted-dialer.ts";
import { proxyTarget } from "./proxy-target.ts";
import { specTarget, type TargetSource } from "./target-source.ts";

export type Accept = (inbound: Inbound) => void;

export interface Pairing {
  /** Where the listener is. */
  readonly side: "here" | "server";
  listen(accept: Accept): Promise<Listener>;
  readonly targetOf: TargetSource;
  readonly dialer: Dialer;
  /** Leg 2, where there is one. */
  readonly session: LegFacts | undefined;
}

export interface PairingOptions extends HereOptions {
  /** For each address of a target that is dialed from here; the system's own limit when left out. */
  readonly dialTimeoutMs?: number | undefined;
  /** PermitRemoteOpen: what a reverse dynamic forward may be asked for; undefined is anything. */
  readonly remoteOpen?: RemoteOpenRules | undefined;
}

/** Without a session both sides are here: a relay. */
export function pair(forward: Forward, session: Session | undefined, options: PairingOptions): Pairing {
  const { id, kind, listen, connect } = forward;
  const targetOf =
    connect === undefined ? proxyTarget({ warn: (text) => options.warn(`${id}: ${text}`) }) : specTarget(connect);
  const listenWith = (accept: Accept) => listenHere(forward, accept, options);
  const dialer = hereDialer({ family: options.family, timeoutMs: options.dialTimeoutMs });
  if (kind === "relay") return { side: "here", listen: listenWith, targetOf, dialer, session: undefined };
  if (session === undefined) throw new PorthopError("internal", `the forward ${id} needs a session`);
  if ((kind === "remote" || kind === "reverse-dynamic") && listen !== undefined) {
    const { remoteOpen } = options;
    return {
      side: "server",
      listen: (accept) => session.listen(listen, accept, id),
      targetOf,
      dialer: kind === "remote" || remoteOpen === undefined ? dialer : permittedDialer(dialer, remoteOpen),
      session: session.leg,
    };
  }
  return { side: "here", listen: listenWith, targetOf, dialer: channelDialer(session), session: session.leg };
}
