/**
 * What others may see of a session: its connection, leg 2, byte for byte from the first one on, and the keys with which a
 * recording of that can be read. Neither costs anything while nobody asked.
 */
import { keyLogLines } from "../codec/session/key-log.ts";
import { LiveLeg } from "../flow/leg.ts";
import type { Telling } from "../flow/telling.ts";
import { lost, type Peer } from "./ssh-failure.ts";
import type { Ports } from "./ssh2/ports.ts";
import { type Outgoing, type Transport, watchTransport } from "./transport.ts";

/** Where the session goes, and the name by which it is told apart. */
export interface WatchedSession extends Peer {
  readonly id: string;
}

/** Who wants to see its first byte hears of it before that. */
export function sessionLeg(transport: Transport, session: WatchedSession, { bus, loggerFor }: Telling): Outgoing {
  const { stream, hop, local, remote, observed } = transport;
  const { id, host, port } = session;
  const leg = new LiveLeg(2, (plugin, error) =>
    loggerFor(plugin).warn(`stopped watching the session: ${String(error)}`),
  );
  const outgoing = watchTransport(
    stream,
    leg,
    (error) => transport.goneBy(true) ?? lost(error as Error | undefined, session),
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

/** Before the server's first word. Who asks for keys later gets those of the next session. */
export function tellKeys(ports: Pick<Ports, "onKeyExchange">, session: string, { bus }: Pick<Telling, "bus">): void {
  if (!bus.isHeard("keys")) return;
  ports.onKeyExchange((keys) => {
    for (const line of keyLogLines(keys)) bus.publish({ event: "keys", session, line });
  });
}
