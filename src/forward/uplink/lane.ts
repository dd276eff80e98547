/**
 * The way of one session of a tunnel: to the destination, or to the first fallback (--fallback) that can be reached. An
 * attempt begins with the destination each time. Hosts on the way to which a session still stands are kept.
 */
import { formatAddress } from "../../codec/address.ts";
import { formatWait } from "../../codec/units.ts";
import { type ErrorCode, PorthopError } from "../../errors.ts";
import type { Telling } from "../../flow/telling.ts";
import { descriptors } from "../../io/descriptors.ts";
import type { LoginNeeds } from "../../ssh/login/auth-record.ts";
import { Route, type RoutePlan, RouteRun } from "../../ssh/route.ts";
import type { Session } from "../../ssh/session.ts";
import { failedAttempt } from "./failed-attempt.ts";
import { type Failure, RetryPolicy } from "./retry-policy.ts";

/** In an outage of hours the same is told again after this time, and otherwise for debugging. */
const repeatMs = 10 * 60_000;

/** What all lanes of one run share. */
export class LaneRun {
  readonly routes = new RouteRun();
  /** Where the last session went. */
  last: RoutePlan | undefined;
  readonly #now: () => number;
  readonly #toldAtMs = new Map<string, number>();
  /** Of each fallback what its failures have counted up to, and when it may be tried again. */
  readonly #rests = new Map<RoutePlan, { readonly policy: RetryPolicy; untilMs: number }>();

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /**
   * A fallback has failed. Returns how long it is left in peace: the wait that it has earned, as the destination's would
   * be, and for ever after a no that stays one. Each attempt would come by it otherwise.
   */
  failed(goal: RoutePlan, failure: Failure): number {
    const rest = this.#rests.get(goal) ?? { policy: new RetryPolicy({ reconnect: "always" }), untilMs: 0 };
    this.#rests.set(goal, rest);
    const verdict = rest.policy.failed(failure);
    const restMs = verdict.next === "end" ? Number.POSITIVE_INFINITY : verdict.mayHurry ? 0 : verdict.inMs;
    rest.untilMs = this.#now() + restMs;
    return restMs;
  }

  isResting(goal: RoutePlan): boolean {
    return (this.#rests.get(goal)?.untilMs ?? Number.NEGATIVE_INFINITY) > this.#now();
  }

  stood(goal: RoutePlan): void {
    this.last = goal;
    this.#rests.get(goal)?.policy.stood();
  }

  /** Somebody wants a session now: only a no that stays one stays. */
  forgive(): void {
    for (const rest of this.#rests.values()) if (rest.untilMs !== Number.POSITIVE_INFINITY) rest.untilMs = 0;
  }

  /** True when this was not told for a while: the failure of this kind at this goal. */
  isNews(goal: RoutePlan, { code }: PorthopError): boolean {
    const what = `${code} ${nameOf(goal)}`;
    const now = this.#now();
    if (now - (this.#toldAtMs.get(what) ?? Number.NEGATIVE_INFINITY) < repeatMs) return false;
    this.#toldAtMs.set(what, now);
    return true;
  }
}

export class Lane {
  readonly #goals: readonly RoutePlan[];
  readonly #telling: Telling;
  readonly #run: LaneRun;
  readonly #strand: number;
  readonly #routes = new Map<RoutePlan, Route>();
  #wasLetIn = false;
  #used: Route | undefined;

  /** `goals` are the ways to the destination and to the fallbacks, in this order. `strand` counts lanes from 1. */
  constructor(goals: readonly RoutePlan[], telling: Telling, run: LaneRun, strand = 1) {
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
    let failure: PorthopError | undefined;
    const open = this.#goals.filter((goal) => !this.#run.isResting(goal));
    for (const [index, goal] of open.entries()) {
      const route = this.#routeTo(goal);
      const beganMs = performance.now();
      try {
        const session = await route.connect(signal, attempt);
        this.#used = route;
        await this.#leaveOthers(route);
        this.#reached(goal);
        return session;
      } catch (thrown) {
        if (signal.aborted) throw thrown;
        const error = failedAttempt(thrown, descriptors.wasFullSince(beganMs));
        const isFirst = index === 0;
        if (isFirst) {
          this.#wasLetIn = route.wasLetIn;
          if (!isOutOfReach(thrown)) throw thrown;
          failure = thrown;
        }
        const { wasLetIn, needsAgain: needs } = route;
        const restMs = isFirst ? 0 : this.#run.failed(goal, { error, wasLetIn, needs });
        this.#tell(goal, error, { isFirst, restMs, following: open[index + 1] });
      }
    }
    throw open.length > 1 && failure !== undefined ? withoutFallback(failure) : failure;
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
    const route = this.#routes.get(goal) ?? new Route(goal, this.#telling, this.#run.routes, this.#strand);
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

  /** After a loss the words of the outage say where the new session goes. */
  #reached(goal: RoutePlan): void {
    const isFirst = this.#run.last === undefined;
    this.#run.stood(goal);
    if (isFirst && goal !== this.#goals[0]) this.#telling.loggerFor().info(`connected to the fallback ${nameOf(goal)}`);
  }

  #tell(goal: RoutePlan, error: PorthopError, { isFirst, restMs, following }: Refused): void {
    // The last error of the destination is the attempt's own, which others tell.
    if (isFirst && following === undefined) return;
    const next = following === undefined ? "" : `; trying the fallback ${nameOf(following)}`;
    const text = `${isFirst ? error.message : ofFallback(nameOf(goal), error)}${restText(restMs)}${next}`;
    const log = this.#telling.loggerFor();
    if (this.#run.isNews(goal, error)) log.warn(text);
    else log.debug(text);
  }
}

interface Refused {
  readonly isFirst: boolean;
  readonly restMs: number;
  readonly following: RoutePlan | undefined;
}

function restText(ms: number): string {
  if (ms === 0) return "";
  return ms === Number.POSITIVE_INFINITY ? "; it is not tried again" : `; it is not tried for ${formatWait(ms)}`;
}

/** The destination's error, for whoever reads it as the last word: its hint alone would forget the fallbacks. */
function withoutFallback(error: PorthopError): PorthopError {
  const { code, message, leg, by } = error;
  return new PorthopError(code, message, {
    ...{ leg, by, cause: error.cause },
    hint: `no fallback could be used either; ${error.hint}`,
  });
}

function isOutOfReach(error: unknown): error is PorthopError {
  return error instanceof PorthopError && outOfReach.has(error.code);
}

const outOfReach: ReadonlySet<ErrorCode> = new Set(["host.not-found", "ssh.unreachable", "ssh.lost"]);

/** Most messages name the server, and once is enough. An address counts as a whole, not as the beginning of another. */
function ofFallback(name: string, { message }: PorthopError): string {
  if (message.startsWith(`${name} `)) return `the fallback ${message}`;
  const isNamed = message.split(/[:,;]? /).includes(name);
  return `the fallback${isNamed ? "" : ` ${name}`}: ${message}`;
}

function nameOf({ hops }: RoutePlan): string {
  const settings = hops.at(-1)?.settings;
  return settings === undefined ? "" : formatAddress({ host: settings.host, port: settings.port });
}
