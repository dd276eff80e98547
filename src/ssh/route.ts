/**
 * The way to the destination: a session with each jump host, each inside the session before, and last the session with
 * the destination itself. After a loss the way can be made again: what still stands of it is kept. At the end the
 * innermost session is closed first.
 */
import type { EventNamed } from "../flow/event.ts";
import type { Telling } from "../flow/telling.ts";
import { after } from "../io/after.ts";
import { withEither } from "../io/either-signal.ts";
import { type LoginNeeds, strongestNeed } from "./login/auth-record.ts";
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

/** What all ways of one run share: how many sessions have begun, and which hosts have let us in. */
export class RouteRun {
  readonly letIn = new Set<Hop>();
  #begun = 0;

  /** `S1`, `S2` ... in the order in which sessions begin. */
  nextId(): string {
    this.#begun += 1;
    return `S${this.#begun}`;
  }
}

/** How long `close` waits for a connection that is still being made. */
const patienceMs = 2000;
/** How long a jump host that is kept may take to answer. */
const keptMs = 5000;

export class Route {
  readonly #plan: RoutePlan;
  readonly #telling: Telling;
  readonly #run: RouteRun;
  readonly #strand: number;
  readonly #sessions: Session[] = [];
  /** What the last login at each host needed. */
  readonly #needs: LoginNeeds[] = [];
  readonly #closed = new AbortController();
  #connecting: Promise<Session> | undefined;
  #attempt = 1;
  #wasLetIn = false;

  /** `strand` is its place among the ways that lead to one destination at the same time. */
  constructor(plan: RoutePlan, telling: Telling, run = new RouteRun(), strand = 1) {
    this.#plan = plan;
    this.#telling = telling;
    this.#run = run;
    this.#strand = strand;
  }

  /** True when the host at which the last attempt ended has let us in before, in this run. */
  get wasLetIn(): boolean {
    return this.#wasLetIn;
  }

  /** What the logins of the way have needed. */
  get needs(): LoginNeeds {
    return strongestNeed(this.#needs);
  }

  /** The same of those hosts with which no session stands now. */
  get needsAgain(): LoginNeeds {
    const standing = this.#sessions.map(({ goneBy }) => goneBy === undefined);
    return strongestNeed(this.#needs.filter((_needs, index) => standing[index] !== true));
  }

  /**
   * Resolves with the session with the destination. When an outer session breaks this one, the reason names the outer
   * host. `attempt` counts the tries since a session stood.
   */
  connect(signal: AbortSignal, attempt = 1): Promise<Session> {
    this.#attempt = attempt;
    this.#connecting = this.#connectAll(signal);
    return this.#connecting;
  }

  /** Each session that hears nothing from its server within this time is lost. */
  probe(withinMs: number): void {
    for (const session of this.#sessions) session.probe(withinMs);
  }

  /** Ends the session with the destination, and keeps those with the hosts on the way. */
  async leaveDestination(): Promise<void> {
    await this.#closeFrom(this.#plan.hops.length - 1);
  }

  /** Ends all sessions with a goodbye, and waits a limited time until all are gone. */
  async close(): Promise<void> {
    this.#closed.abort(new Error("the way was closed"));
    const settled = this.#connecting?.then(nothing, nothing);
    await Promise.race([settled, after(patienceMs)]);
    await this.#closeFrom(0);
  }

  async #connectAll(signal: AbortSignal): Promise<Session> {
    return await withEither([signal, this.#closed.signal], (attempt) => this.#passAll(attempt));
  }

  async #passAll(signal: AbortSignal): Promise<Session> {
    const { hops, command, environment = {} } = this.#plan;
    const broken = this.#sessions.findIndex(({ goneBy }) => goneBy !== undefined);
    await this.#closeFrom(broken === -1 ? hops.length - 1 : broken);
    this.probe(keptMs);
    let last = this.#sessions.at(-1);
    let dial = last === undefined ? this.#firstDial(command, environment) : dialThrough(last);
    for (const hop of hops.slice(this.#sessions.length)) {
      last = await this.#pass(hop, dial, signal);
      dial = dialThrough(last);
    }
    if (last === undefined) throw new Error("a way leads to somewhere");
    return last;
  }

  #firstDial(command: string | undefined, environment: NodeJS.ProcessEnv): DialSshd {
    return command === undefined ? dialDirectly : dialByCommand(command, environment, this.#telling.trace);
  }

  async #pass(hop: Hop, dial: DialSshd, signal: AbortSignal): Promise<Session> {
    const { settings, trust } = hop;
    const number = this.#sessions.length + 1;
    const id = this.#run.nextId();
    this.#wasLetIn = this.#run.letIn.has(hop);
    this.#tell("connecting", number, { id });
    const session = await Session.connect(
      settings,
      { ...this.#telling, id, strand: this.#strand, trust },
      signal,
      dial,
    );
    this.#run.letIn.add(hop);
    this.#needs[number - 1] = session.needs;
    this.#sessions.push(session);
    this.#tell("ready", number, session);
    void session.lost.then(() => this.#tell("lost", number, session));
    return session;
  }

  /** Closes the sessions from the one with this index on, the innermost first. */
  async #closeFrom(index: number): Promise<void> {
    while (this.#sessions.length > index) {
      const number = this.#sessions.length;
      const session = this.#sessions.pop();
      if (session === undefined) return;
      const wasLost = session.goneBy !== undefined;
      await session.close();
      if (!wasLost) this.#tell("closed", number, session);
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
    const who = { id, host, port, user, attempt: this.#attempt };
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
