/**
 * What other parts may see of a session: the bytes of its connection (leg 2) from the first one on, and the keys that
 * make a recording of these bytes readable. Keys cost nothing while nobody asks for them.
 */
import { keyLogLines } from "../codec/session/key-log.ts";
import { LiveLeg } from "../flow/leg.ts";
import type { Telling } from "../flow/telling.ts";
import { lost, type Peer } from "./ssh-failure.ts";
import type { Ports } from "./ssh2/ports.ts";
import { type HeardOutgoing, type Transport, watchTransport } from "./transport.ts";

/** Where the session goes, and the id by which users tell sessions apart. */
export interface WatchedSession extends Peer {
  readonly id: string;
}

/** Publishes the session's wire, before the first byte passes. Watchers that begin now see every byte. */
export function sessionLeg(transport: Transport, session: WatchedSession, { bus, loggerFor }: Telling): HeardOutgoing {
  const { stream, hop, local, remote, observed } = transport;
  const { id, host, port } = session;
  const leg = new LiveLeg(2, (plugin, error) =>
    loggerFor(plugin).warn(`stopped watching the session: ${String(error)}`),
  );
  const outgoing = watchTransport(
    stream,
    leg,
    (error) => transport.goneBy("session") ?? lost(error as Error | undefined, session),
  );
  bus.publish({
    event: "wire",
    viewFor: (plugin) => ({
      ...{ id, host, port, hop, from: local, to: remote, observed },
      watch: (watcher) => leg.watch(plugin, watcher),
    }),
  });
  leg.opened();
  return outgoing;
}

/**
 * Call this before the server sends anything. A plugin that asks for keys later gets the keys of the next session only.
 */
export function tellKeys(ports: Pick<Ports, "onKeyExchange">, session: string, { bus }: Pick<Telling, "bus">): void {
  if (!bus.isHeard("keys")) return;
  ports.onKeyExchange((keys) => {
    // Who asked may be gone meanwhile.
    if (!bus.isHeard("keys")) return;
    for (const line of keyLogLines(keys)) bus.publish({ event: "keys", session, line });
  });
}
