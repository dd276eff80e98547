/**
 * The way to the destination: a session with each jump host, each carried inside the one before, and the last one with
 * the destination itself. When one of them cannot be set up none is left; at the end the innermost goes first.
 */
import type { EventNamed } from "../flow/event.ts";
import type { Telling } from "../flow/telling.ts";
import { after } from "../io/after.ts";
import { type AskTrust, Session, type SessionSettings } from "./session.ts";
import { type DialSshd, dialByCommand, dialDirectly, dialThrough } from "./sshd-dialer.ts";

export interface Hop {
  readonly settings: SessionSettings;
  /** Each host has its own host key check and its own login. */
  readonly trust: AskTrust;
}

export interface RoutePlan {
  /** The jump hosts in the order in which they are passed, then the destination. */
  readonly hops: readonly Hop[];
  /** ProxyCommand, its tokens filled in: reaches the first of them. */
  readonly command?: string | undefined;
  /** Of that command. */
  readonly environment?: NodeJS.ProcessEnv | undefined;
}

/** How long a connection that is being set up may take to give up. */
const patienceMs = 2000;

export class Route {
  readonly #plan: RoutePlan;
  readonly #telling: Telling;
  readonly #sessions: Session[] = [];
  readonly #closed = new AbortController();
  #connecting: Promise<Session> | undefined;

  constructor(plan: RoutePlan, telling: Telling) {
    this.#plan = plan;
    this.#telling = telling;
  }

  /** The session with the destination. When it is lost because an outer one is, the reason names that one. */
  connect(signal: AbortSignal): Promise<Session> {
    this.#connecting = this.#connectAll(AbortSignal.any([signal, this.#closed.signal]));
    return this.#connecting;
  }

  /** Ends all sessions, each with a goodbye, and waits until nothing is left of them; never for long. */
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
    this.#tell("connecting", number);
    const session = await Session.connect(settings, { ...this.#telling, trust }, signal, dial);
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

  /** `number` is 1 for the first. The destination's is told without: it is the one that whoever reads the events waits for. */
  #tell(state: EventNamed<"session">["state"], number: number, session?: Session): void {
    const { hops } = this.#plan;
    const hop = hops[number - 1];
    if (hop === undefined) return;
    const { host, port, user } = hop.settings;
    const place = number < hops.length ? { hop: number } : {};
    this.#telling.bus.publish({ event: "session", state, host, port, user, attempt: 1, ...place, ...factsOf(session) });
  }
}

function factsOf(session: Session | undefined) {
  if (session === undefined) return {};
  const { local, remote, cipher, kex, hostKey } = session.facts;
  return { local, remote, cipher, kex, hostKey };
}

function nothing(): void {}
