/**
 * The way to the destination: a session with each jump host, each carried inside the one before, and the last one with
 * the destination itself. When one of them cannot be set up none is left; at the end the innermost goes first.
 */
import { after } from "../io/after.ts";
import { Session, type SessionHooks, type SessionSettings } from "./session.ts";
import { type DialSshd, dialByCommand, dialDirectly, dialThrough } from "./sshd-dialer.ts";

export interface Hop {
  readonly settings: SessionSettings;
  /** Each host has its own host key check and its own login. */
  readonly trust: SessionHooks["trust"];
}

export interface RoutePlan {
  /** The jump hosts in the order in which they are passed, then the destination. */
  readonly hops: readonly Hop[];
  /** ProxyCommand, its tokens filled in: reaches the first of them. */
  readonly command?: string | undefined;
  /** Of that command. */
  readonly environment?: NodeJS.ProcessEnv | undefined;
}

export type SessionState = "connecting" | "ready" | "lost" | "closed";

export interface RouteHooks extends Omit<SessionHooks, "trust"> {
  /** `number` is 1 for the first session; the last is the destination's. */
  state(state: SessionState, number: number, session: Session | undefined): void;
}

/** How long a connection that is being set up may take to give up. */
const patienceMs = 2000;

export class Route {
  readonly #plan: RoutePlan;
  readonly #hooks: RouteHooks;
  readonly #sessions: Session[] = [];
  readonly #closed = new AbortController();
  #connecting: Promise<Session> | undefined;

  constructor(plan: RoutePlan, hooks: RouteHooks) {
    this.#plan = plan;
    this.#hooks = hooks;
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
    let dial = command === undefined ? dialDirectly : dialByCommand(command, environment, this.#hooks.debug);
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
    this.#hooks.state("connecting", number, undefined);
    const session = await Session.connect(settings, { ...this.#hooks, trust }, signal, dial);
    this.#sessions.push(session);
    this.#hooks.state("ready", number, session);
    void session.lost.then(() => this.#hooks.state("lost", number, session));
    return session;
  }

  async #closeAll(): Promise<void> {
    for (let session = this.#sessions.at(-1); session !== undefined; session = this.#sessions.at(-1)) {
      const number = this.#sessions.length;
      this.#sessions.pop();
      await session.close();
      this.#hooks.state("closed", number, session);
    }
  }
}

function nothing(): void {}
