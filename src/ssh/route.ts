/**
 * The way to the destination: a session with each jump host, each inside the session before, and last the session with
 * the destination itself. When one session cannot be made, all sessions end. At the end the innermost session is closed
 * first.
 */
import type { EventNamed } from "../flow/event.ts";
import type { Telling } from "../flow/telling.ts";
import { after } from "../io/after.ts";
import { type AskTrust, Session, type SessionFacts, type SessionSettings } from "./session.ts";
import { type DialSshd, dialByCommand, dialDirectly, dialThrough } from "./sshd-dialer.ts";

export interface Hop {
  readonly settings: SessionSettings;
  /** Makes the trust for this host: each host has a host key check and a login of its own. */
  readonly trust: AskTrust;
}

export interface RoutePlan {
  /** The jump hosts in the order in which they are passed, then the destination. */
  readonly hops: readonly Hop[];
  /** ProxyCommand with its tokens filled in. The command reaches the first host. */
  readonly command?: string | undefined;
  /** The environment of the command. */
  readonly environment?: NodeJS.ProcessEnv | undefined;
}

/** How long `close` waits for a connection that is still being made. */
const patienceMs = 2000;

export class Route {
  readonly #plan: RoutePlan;
  readonly #telling: Telling;
  readonly #sessions: Session[] = [];
  readonly #closed = new AbortController();
  #begun = 0;
  #connecting: Promise<Session> | undefined;

  constructor(plan: RoutePlan, telling: Telling) {
    this.#plan = plan;
    this.#telling = telling;
  }

  /**
   * Resolves with the session with the destination. When an outer session breaks this one, the reason names the outer
   * host.
   */
  connect(signal: AbortSignal): Promise<Session> {
    this.#connecting = this.#connectAll(AbortSignal.any([signal, this.#closed.signal]));
    return this.#connecting;
  }

  /** Ends all sessions with a goodbye, and waits a limited time until all are gone. */
  async close(): Promise<void> {
    this.#closed.abort(new Error("the way was closed"));
    const settled = this.#connecting?.then(nothing, nothing);
    await Promise.race([settled, after(patienceMs)]);
    await this.#closeAll();
  }

  async #connectAll(signal: AbortSignal): Promise<Session> {
    const { hops, command, environment = {} } = this.#plan;
    let dial = command === undefined ? dialDirectly : dialByCommand(command, environment, this.#telling.trace);
    let last: Session | undefined;
    try {
      for (const hop of hops) {
        last = await this.#pass(hop, dial, signal);
        dial = dialThrough(last);
      }
    } catch (error) {
      await this.#closeAll();
      throw error;
    }
    if (last === undefined) throw new Error("a way leads to somewhere");
    return last;
  }

  async #pass({ settings, trust }: Hop, dial: DialSshd, signal: AbortSignal): Promise<Session> {
    const number = this.#sessions.length + 1;
    this.#begun += 1;
    const id = `S${this.#begun}`;
    this.#tell("connecting", number, { id });
    const session = await Session.connect(settings, { ...this.#telling, id, trust }, signal, dial);
    this.#sessions.push(session);
    this.#tell("ready", number, session);
    void session.lost.then(() => this.#tell("lost", number, session));
    return session;
  }

  async #closeAll(): Promise<void> {
    for (let session = this.#sessions.at(-1); session !== undefined; session = this.#sessions.at(-1)) {
      const number = this.#sessions.length;
      this.#sessions.pop();
      await session.close();
      this.#tell("closed", number, session);
    }
  }

  /**
   * `number` is 1 for the first host. The destination's event has no `hop`, because readers of the events wait for that
   * event.
   */
  #tell(state: EventNamed<"session">["state"], number: number, session: Named): void {
    const { hops } = this.#plan;
    const hop = hops[number - 1];
    if (hop === undefined) return;
    const { host, port, user } = hop.settings;
    const { id, facts } = session;
    const place = number < hops.length ? { hop: number } : {};
    const who = { id, host, port, user, attempt: 1 };
    this.#telling.bus.publish({ event: "session", state, ...who, ...place, ...shownFacts(facts) });
  }
}

/** A session, or one that is to be. */
type Named = Pick<Session, "id"> & Partial<Pick<Session, "facts">>;

function shownFacts(facts: SessionFacts | undefined) {
  if (facts === undefined) return {};
  const { local, remote, cipher, kex, hostKey } = facts;
  return { local, remote, cipher, kex, hostKey };
}

function nothing(): void {}
