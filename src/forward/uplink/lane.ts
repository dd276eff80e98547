/**
 * The way of one session of a tunnel: to the destination, or to the first fallback (--fallback) that can be reached. An
 * attempt begins with the destination each time. Hosts on the way to which a session still stands are kept.
 */
import { type ErrorCode, PorthopError } from "../../errors.ts";
import type { Telling } from "../../flow/telling.ts";
import type { LoginNeeds } from "../../ssh/login/auth-record.ts";
import { Route, type RoutePlan, type RouteRun } from "../../ssh/route.ts";
import type { Session } from "../../ssh/session.ts";

export class Lane {
  readonly #goals: readonly RoutePlan[];
  readonly #telling: Telling;
  readonly #run: RouteRun;
  readonly #strand: number;
  readonly #routes = new Map<RoutePlan, Route>();
  /** Fallbacks that said a no that stays one. */
  readonly #refused = new Set<RoutePlan>();
  #wasLetIn = false;
  #used: Route | undefined;

  /** `goals` are the ways to the destination and to the fallbacks, in this order. `strand` counts lanes from 1. */
  constructor(goals: readonly RoutePlan[], telling: Telling, run: RouteRun, strand = 1) {
    this.#goals = goals;
    this.#telling = telling;
    this.#run = run;
    this.#strand = strand;
  }

  /** True when the host at which the last attempt ended has let us in before, in this run. */
  get wasLetIn(): boolean {
    return this.#wasLetIn;
  }

  /** What the logins of the way in use have needed. */
  get needs(): LoginNeeds {
    return this.#used?.needs ?? "nobody";
  }

  /** What those that have to be repeated will need. */
  get needsAgain(): LoginNeeds {
    return this.#used?.needsAgain ?? "nobody";
  }

  /** Rejects with the error of the destination; those of the fallbacks are told. */
  async connect(signal: AbortSignal, attempt: number): Promise<Session> {
    let failure: unknown;
    const open = this.#goals.filter((goal) => !this.#refused.has(goal));
    for (const [index, goal] of open.entries()) {
      const route = this.#routeTo(goal);
      try {
        const session = await route.connect(signal, attempt);
        this.#used = route;
        await this.#leaveOthers(route);
        return session;
      } catch (error) {
        if (signal.aborted) throw error;
        if (index === 0) {
          failure = error;
          this.#wasLetIn = route.wasLetIn;
          if (!isOutOfReach(error)) throw error;
        } else this.#tell(goal, error, route.wasLetIn);
      }
      const following = open[index + 1];
      if (following !== undefined) this.#telling.loggerFor().info(`trying the fallback ${nameOf(following)}`);
    }
    throw failure;
  }

  /** Each session of the way that does not answer within this time is lost. */
  probe(withinMs: number): void {
    for (const route of this.#routes.values()) route.probe(withinMs);
  }

  /** Ends a session with the destination of which nothing can be made. Hosts on the way are kept. */
  async leaveDestination(): Promise<void> {
    await Promise.all([...this.#routes.values()].map((route) => route.leaveDestination()));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#routes.values()].map((route) => route.close()));
  }

  #routeTo(goal: RoutePlan): Route {
    const route = this.#routes.get(goal) ?? new Route(goal, this.#telling, this.#run, this.#strand);
    this.#routes.set(goal, route);
    return route;
  }

  /** A host that leads to another goal is of no use now. */
  async #leaveOthers(used: Route): Promise<void> {
    for (const [goal, route] of this.#routes) {
      if (route === used) continue;
      this.#routes.delete(goal);
      await route.close();
    }
  }

  #tell(goal: RoutePlan, error: unknown, wasLetIn: boolean): void {
    if (!(error instanceof PorthopError)) throw error;
    const stays = !isOutOfReach(error) && !wasLetIn;
    if (stays) this.#refused.add(goal);
    const after = stays ? "; it is not tried again" : "";
    this.#telling.loggerFor().warn(`the fallback ${nameOf(goal)}: ${error.message}${after}`);
  }
}

function isOutOfReach(error: unknown): boolean {
  return error instanceof PorthopError && outOfReach.has(error.code);
}

const outOfReach: ReadonlySet<ErrorCode> = new Set(["host.not-found", "ssh.unreachable", "ssh.lost"]);

function nameOf({ hops }: RoutePlan): string {
  return hops.at(-1)?.settings.host ?? "";
}
