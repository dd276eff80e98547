/**
 * What other parts may see of a session: the bytes of its connection (leg 2) from the first one on, and the keys that
 * make a recording of these bytes readable. Keys cost nothing while nobody asks for them.
 */
import type { NegotiatedAlgorithms } from "ssh2";
import { keyLogLines } from "../codec/session/key-log.ts";
import { LiveLeg } from "../flow/leg.ts";
import type { Telling } from "../flow/telling.ts";
import { visible } from "../text/terminal-text.ts";
import { type AlgorithmWishes, sessionAlgorithms } from "./algorithm/algorithms.ts";
import { givenUp, unreadableParts } from "./algorithm/readable-algorithms.ts";
import { lost, type Peer } from "./ssh-failure.ts";
import type { Ports } from "./ssh2/ports.ts";
import { type HeardOutgoing, type Transport, watchTransport } from "./transport.ts";

/** Where the session goes, and the id by which users tell sessions apart. */
export interface WatchedSession extends Peer {
  readonly id: string;
}

interface StrandTelling extends Telling {
  /** The session's place among those that share the work; 1 when left out. */
  readonly strand?: number | undefined;
}

/** Publishes the session's wire, before the first byte passes. Watchers that begin now see every byte. */
export function sessionLeg(
  transport: Transport,
  session: WatchedSession,
  { bus, loggerFor, strand = 1 }: StrandTelling,
): HeardOutgoing {
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
      ...{ id, host, port, hop, strand, from: local, to: remote, observed },
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

/** Whether somebody asks for keys. This decides what a session offers: what Wireshark decrypts comes first. */
export function isRecorded({ bus }: Pick<Telling, "bus">): boolean {
  return bus.isHeard("keys");
}

/** Says what a readable recording costs, or that there will be none. Call this after the first key exchange. */
export function tellReadable(
  agreed: NegotiatedAlgorithms,
  host: string,
  wishes: AlgorithmWishes,
  telling: Telling,
): void {
  if (!isRecorded(telling)) return;
  const log = telling.loggerFor();
  const unreadable = unreadableParts(agreed);
  const server = visible(host, 100);
  if (unreadable.length > 0) {
    log.warn(
      `${server} agrees on ${unreadable.join(", ")} only: Wireshark cannot decrypt this session, with its keys either`,
    );
    return;
  }
  const { kex = [] } = sessionAlgorithms({ ...wishes, isRecorded: false });
  const costs = givenUp(agreed, { kex: kex as readonly string[], compression: wishes.compression === true });
  if (costs.length === 0) return;
  log.warn(`the session with ${server} is one that Wireshark can decrypt with its keys: no ${costs.join(" and no ")}`);
}
