/**
 * Keeps the sessions of a tunnel standing: makes them, prepares each, announces it to the uplink, and makes it again
 * when it was lost. One attempt is under way at a time, whatever is missing, so that no server is stormed.
 */
import { PorthopError } from "../../errors.ts";
import type { Telling } from "../../flow/telling.ts";
import { after } from "../../io/after.ts";
import { descriptors } from "../../io/descriptors.ts";
import { onAddressChange, onWake } from "../../io/network-changes.ts";
import type { RoutePlan } from "../../ssh/route.ts";
import type { Session } from "../../ssh/session.ts";
import { failedAttempt } from "./failed-attempt.ts";
import { Lane, LaneRun } from "./lane.ts";
import { cutShort, type Reconnect, RetryPolicy, typedHint, type Verdict } from "./retry-policy.ts";
import { SessionAttempt } from "./session-attempt.ts";
import { type DuePlace, SessionPlaces } from "./session-places.ts";
import { Uplink } from "./uplink.ts";

export interface LinkPlan {
  /** The ways to the destination and to its fallbacks, in the order in which they are tried. */
  readonly goals: readonly RoutePlan[];
  readonly reconnect: Reconnect;
  /** How many sessions the tunnel has; one when left out. */
  readonly sessions?: number | undefined;
  /** How long a new connection waits for a session. */
  readonly holdMs?: number | undefined;
  /** False when nobody can be asked for a password later on. */
  readonly canAskLater?: boolean | undefined;
}

export interface Connected {
  /** Resolves with the reason when no session will come any more. Never resolves after `close`. */
  readonly lost: Promise<PorthopError>;
}

/** Runs with each session, before any dialer gets it. */
export type Prepare = (session: Session) => Promise<void>;

/** A wait that is cut short ends no sooner than this after the attempt before began. */
const hurriedMs = 1000;
/** The time in which all processes of one terminal hear its Ctrl-C. */
const ctrlCMs = 100;
/** How long a session may be silent when there is a reason to doubt it. */
const doubtMs = 5000;

type Policy = Pick<RetryPolicy, "stood" | "lost" | "failed">;

/** One of the sessions that the tunnel wants. The times are those of performance.now. */
interface Place extends DuePlace {
  readonly lane: Lane;
  session: Session | undefined;
  isGivenUp: boolean;
  /** What its own losses and failures have counted up to: a place that is always refused takes no patience from another. */
  readonly policy: Policy;
  /** When the session stood. */
  sinceMs: number;
}

export class Connecting {
  readonly uplink: Uplink<Session>;
  readonly #plan: LinkPlan;
  readonly #telling: Telling;
  readonly #stop = new AbortController();
  readonly #first = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<PorthopError>();
  readonly #places: SessionPlaces<Place>;
  readonly #run = new LaneRun();
  #isWinding = false;
  #hasStood = false;
  #attempt = 0;
  /** The attempt that is under way. */
  #trying: SessionAttempt | undefined;
  #beganMs = Number.NEGATIVE_INFINITY;
  #wake: (() => void) | undefined;
  #keeping: Promise<void> | undefined;
  #hasRemarked = false;
  /** Somebody asked for a session during the attempt that is under way. */
  #isWanted = false;

  constructor(plan: LinkPlan, telling: Telling, policyFor: () => Policy = () => new RetryPolicy(plan)) {
    const { goals, reconnect, sessions = 1, holdMs } = plan;
    this.#plan = plan;
    this.#telling = telling;
    this.uplink = new Uplink({ holdMs: reconnect === "never" ? undefined : holdMs, wanted: () => this.#hurry() });
    const places = Array.from({ length: sessions }, (_each, index) => ({
      ...{ lane: new Lane(goals, telling, this.#run, index + 1), session: undefined, dueMs: undefined },
      ...{ mayHurry: true, isGivenUp: false, sinceMs: 0, notBeforeMs: 0, policy: policyFor() },
    }));
    this.#places = new SessionPlaces<Place>(places);
  }

  /** Resolves when the first session stands. Rejects when it cannot be made, or when `signal` fires before. */
  async connect(signal: AbortSignal, prepare: Prepare = async () => {}): Promise<Connected> {
    const abort = () => {
      this.#stop.abort(signal.reason);
      this.#first.reject(signal.reason);
    };
    if (signal.aborted) throw signal.reason;
    signal.addEventListener("abort", abort, { once: true });
    this.#places.goOn(performance.now());
    this.#places.parkOthers();
    this.#keeping = this.#keep(prepare);
    this.#watchMachine();
    try {
      await this.#first.promise;
    } finally {
      signal.removeEventListener("abort", abort);
    }
    return { lost: this.#ended.promise };
  }

  /** The network, or the time, is not what it was: what stands is asked, and what waits is tried. */
  doubt(): void {
    for (const { lane } of this.#places.all) lane.probe(doubtMs);
    // The first session may take its time. And a ProxyCommand may ask a person before any server has said a word.
    if (this.#hasStood && !this.#hasCommand) this.#trying?.doubt(doubtMs);
    this.#hurry();
  }

  /** Somebody wants a session now: no wait is too long to be cut short. */
  now(): void {
    this.#telling.loggerFor().info("asked for a session now");
    this.#places.allowHurry();
    this.#run.forgive();
    this.doubt();
    this.#hurry(performance.now());
  }

  /** From now on no session is made any more: porthop ends when what is under way has ended. */
  wind(): void {
    this.#isWinding = true;
    this.#stop.abort(stopping());
    if (this.uplink.standing === undefined) this.uplink.end(stopping());
    this.#wake?.();
  }

  /** Ends the sessions, and also all waits for a session. */
  async close(): Promise<void> {
    this.wind();
    this.uplink.end(stopping());
    await Promise.all(this.#places.all.map(({ lane }) => lane.close()));
    await this.#keeping;
  }

  #watchMachine(): void {
    if (this.#plan.reconnect === "never") return;
    onAddressChange(() => this.doubt(), this.#stop.signal);
    onWake(() => this.doubt(), this.#stop.signal);
  }

  /** Never rejects. Ends at a stop, and when no session will come. */
  async #keep(prepare: Prepare): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const place = this.#places.next;
      const inMs = place?.dueMs === undefined ? undefined : place.dueMs - performance.now();
      if (place === undefined || inMs === undefined || inMs > 0) await this.#change(inMs);
      else await this.#tryAt(place, prepare);
    }
  }

  /** Waits until something has changed, but no longer than `inMs`. */
  #change(inMs: number | undefined): Promise<void> {
    return new Promise((resolve) => {
      const over = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
      const timer = inMs === undefined ? undefined : setTimeout(over, inMs);
      this.#wake = over;
    });
  }

  async #tryAt(place: Place, prepare: Prepare): Promise<void> {
    this.#attempt += 1;
    const beganMs = performance.now();
    this.#beganMs = beganMs;
    place.dueMs = undefined;
    const trying = new SessionAttempt(this.#stop.signal, this.#telling.bus);
    this.#trying = trying;
    this.#isWanted = false;
    try {
      const session = await place.lane.connect(trying.signal, this.#attempt).finally(() => trying.over());
      await prepare(session);
      this.#took(place, session);
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      await place.lane.leaveDestination();
      this.#failed(place, failedAttempt(error, descriptors.wasFullSince(beganMs)));
    } finally {
      this.#trying = undefined;
    }
  }

  #took(place: Place, session: Session): void {
    place.session = session;
    place.sinceMs = performance.now();
    this.#attempt = 0;
    for (const each of this.#places.all) if (each === place || !this.#hasStood) each.policy.stood();
    this.#hasStood = true;
    void session.lost.then((reason) => this.#lost(place, reason));
    this.uplink.stands(session);
    this.#remarkNeeds(place.lane.needs);
    this.#first.resolve();
    this.#places.goOn(performance.now());
  }

  /** Says once what a login that asks a person means for the hours to come. */
  #remarkNeeds(needs: Lane["needs"]): void {
    const log = this.#telling.loggerFor();
    const { reconnect, canAskLater = true } = this.#plan;
    const dropped = needs === "nobody" ? [] : this.#places.dropMissing();
    const left = this.#places.all.length === 1 ? "one session" : `${this.#places.all.length} sessions`;
    if (dropped.length > 0) log.warn(`${left} only (--sessions): the login cannot be repeated without asking`);
    for (const { lane } of dropped) void lane.close();
    if (needs !== "person" || this.#hasRemarked || reconnect === "never") return;
    this.#hasRemarked = true;
    if (canAskLater) return;
    log.warn(`a lost session will end porthop: the login was typed, and nobody will be there to type it; ${typedHint}`);
  }

  async #lost(place: Place, reason: PorthopError): Promise<void> {
    const stoodMs = performance.now() - place.sinceMs;
    // Ctrl-C reaches a ProxyCommand too, sometimes before porthop. The session then ends because of the user's own
    // Ctrl-C, which is no loss to report.
    if (this.#hasCommand) await after(ctrlCMs);
    place.session = undefined;
    if (this.#isWinding) {
      if (this.uplink.standing === undefined) this.#end(reason);
      return;
    }
    const othersStand = this.uplink.standing !== undefined;
    this.#decide(place, place.policy.lost({ reason, stoodMs, needs: place.lane.needsAgain, othersStand }), reason);
  }

  #failed(place: Place, error: PorthopError): void {
    const { wasLetIn, needsAgain } = place.lane;
    const verdict = place.policy.failed({ error, wasLetIn, needs: needsAgain });
    const leastMs = this.#beganMs + hurriedMs - performance.now();
    // A login may be refused because there is one too many; all else is as bad for the other places.
    const concernsAll = error.code !== "ssh.auth-failed";
    this.#decide(place, this.#isWanted ? cutShort(verdict, leastMs) : verdict, error, concernsAll);
  }

  #decide(place: Place, verdict: Verdict, because: PorthopError, concernsAll = false): void {
    const isOut = this.uplink.standing === undefined;
    if (isOut) this.uplink.isOut(because);
    if (verdict.next === "retry") {
      place.dueMs = performance.now() + verdict.inMs;
      place.mayHurry = verdict.mayHurry;
      place.notBeforeMs = verdict.mayHurry ? 0 : place.dueMs;
      if (concernsAll) this.#places.delayOthers(place);
      if (isOut) this.#places.parkOthers();
      const { inMs } = verdict;
      this.#telling.bus.publish({ event: "reconnect", reason: because.message, attempt: this.#attempt + 1, inMs });
    } else {
      place.isGivenUp = true;
      if (isOut) this.#end(verdict.reason);
      else this.#telling.loggerFor().warn(`one session less: ${verdict.reason.message}`);
    }
    this.#wake?.();
  }

  #end(reason: PorthopError): void {
    this.#isWinding = true;
    this.#stop.abort(reason);
    this.#first.reject(reason);
    this.uplink.end(reason);
    this.#ended.resolve(reason);
  }

  get #hasCommand(): boolean {
    return this.#plan.goals.some(({ command }) => command !== undefined);
  }

  /** No attempt begins before `soonestMs` because of it. */
  #hurry(soonestMs = this.#beganMs + hurriedMs): void {
    if (this.#trying !== undefined) this.#isWanted = true;
    this.#places.hurry(Math.max(performance.now(), soonestMs));
    this.#wake?.();
  }
}

function stopping(): PorthopError {
  return new PorthopError("cancelled", "porthop is stopping");
}
