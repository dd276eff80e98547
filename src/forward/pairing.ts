/**
 * What a forward is made of: who listens, where the target comes from, and who dials. A kind of
 * forward is a choice of these three and has no code of its own beyond this file.
 */
import type { RemoteOpenRules } from "../codec/config/remote-open.ts";
import type { Forward } from "../config/forward.ts";
import { PorthopError } from "../errors.ts";
import type { Accept, Cancel, Dialer, Listener } from "../flow/conn.ts";
import type { Telling } from "../flow/telling.ts";
import { hereDialer } from "../io/here-dialer.ts";
import { type HereOptions, listenHere } from "./here-listener.ts";
import { permittedDialer } from "./permitted-dialer.ts";
import { proxyTarget } from "./proxy-target.ts";
import { specTarget, type TargetSource } from "./target-source.ts";
import { channelDialer, type DialingSession } from "./uplink/channel-dialer.ts";
import { type LaterListeners, type ListeningSession, listenThere } from "./uplink/there-listener.ts";
import type { Uplink } from "./uplink/uplink.ts";

/** The part of a session that forwards use. */
export type ForwardingSession = DialingSession & ListeningSession;

export interface Pairing {
  /** `signal` ends the wait for a session. `later` is for listeners on the server: each session has its own. */
  listen(accept: Accept, signal: Cancel, later?: LaterListeners): Promise<Listener>;
  readonly targetOf: TargetSource;
  readonly dialer: Dialer;
}

export interface PairingOptions extends HereOptions {
  /** The time limit for each address of a target that is dialed from here; the system's own limit when left out. */
  readonly dialTimeoutMs?: number | undefined;
  /**
   * PermitRemoteOpen: the targets that clients of a reverse dynamic forward may ask for; undefined allows any target.
   */
  readonly remoteOpen?: RemoteOpenRules | undefined;
  readonly telling: Pick<Telling, "bus" | "loggerFor">;
}

/** Without `uplink` this machine listens and dials: a relay. */
export function pair(
  forward: Forward,
  uplink: Uplink<ForwardingSession> | undefined,
  options: PairingOptions,
): Pairing {
  const { id, kind, listen, connect } = forward;
  const targetOf = connect === undefined ? proxyTarget() : specTarget(connect);
  const listenWith = (accept: Accept) => listenHere(forward, accept, options);
  const dialer = hereDialer({ family: options.family, timeoutMs: options.dialTimeoutMs });
  if (kind === "relay") return { listen: listenWith, targetOf, dialer };
  if (uplink === undefined) throw new PorthopError("internal", `the forward ${id} needs a session`);
  if (forward.side === "server" && listen !== undefined) {
    const { remoteOpen, telling } = options;
    return {
      listen: (accept, signal, later) =>
        listenThere({ id, listen, uplink, bus: telling.bus, ...later }, accept, signal),
      targetOf,
      dialer: kind === "remote" || remoteOpen === undefined ? dialer : permittedDialer(dialer, remoteOpen),
    };
  }
  return { listen: listenWith, targetOf, dialer: channelDialer(uplink) };
}
