/**
 * Reaches the target of each forward once (--check-target): before the tunnel is ready, and again through each later
 * session. The target sees a connection that ends at once and says nothing. These connections are no flows, so that no
 * plugin sees them.
 */
import type { Address } from "../codec/address.ts";
import type { Forward } from "../config/forward.ts";
import { PorthopError } from "../errors.ts";
import type { StopHearing } from "../flow/bus.ts";
import type { Cancel } from "../flow/conn.ts";
import { dialLimitMs, dialTarget, leaveTarget } from "./check/target-dial.ts";
import { type ForwardingSession, type PairingOptions, pair } from "./pairing.ts";
import { Uplink } from "./uplink/uplink.ts";

/** So many targets are dialed at one time. */
const mostAtOnce = 8;

/** A forward whose target stands in its spec. */
interface Aim {
  readonly forward: Forward;
  readonly target: Address;
}

export interface TargetCheckOptions extends PairingOptions {
  /** A shorter limit for each dial, for tests. */
  readonly limitMs?: number;
}

type Primaries = Pick<Uplink<ForwardingSession>, "primary" | "onPrimary">;

export class TargetCheck {
  readonly #aims: readonly Aim[];
  readonly #uplink: Primaries;
  readonly #options: PairingOptions;
  readonly #limitMs: number;
  #stopHearing: StopHearing | undefined;
  /** Ends the check that is under way. */
  #running = new AbortController();

  constructor(forwards: readonly Forward[], uplink: Primaries, options: TargetCheckOptions) {
    this.#aims = forwards.flatMap((forward) => {
      const { kind, connect: target } = forward;
      // With -W the one dial of the tunnel shows the same.
      return target === undefined || kind === "stdio" ? [] : [{ forward, target }];
    });
    this.#uplink = uplink;
    this.#limitMs = options.limitMs ?? dialLimitMs;
    // One address of a target that does not answer must leave time for the next address.
    this.#options = { ...options, dialTimeoutMs: options.dialTimeoutMs ?? Math.ceil(this.#limitMs / 2) };
  }

  /**
   * Resolves when each target was reached. Else it rejects with the error of the first forward whose target was not; the
   * other errors are published. From then on each later session is tried by itself.
   */
  async first(signal: Cancel): Promise<void> {
    for (;;) {
      const session = await this.#uplink.primary(signal);
      const [failure, ...others] = await this.#reachAll(session, signal);
      // What a session tells that was lost meanwhile is true of the session, and of no target.
      if (session.goneBy !== undefined) continue;
      for (const error of others) this.#tell(error);
      if (failure !== undefined) throw failure;
      let checked: ForwardingSession | undefined = session;
      this.#stopHearing = this.#uplink.onPrimary((later) => {
        if (later !== checked) void this.#again(later);
      });
      checked = undefined;
      return;
    }
  }

  close(): void {
    this.#stopHearing?.();
    this.#running.abort(over());
  }

  async #again(session: ForwardingSession): Promise<void> {
    this.#running.abort(over());
    const running = new AbortController();
    this.#running = running;
    const errors = await this.#reachAll(session, running.signal).catch(asDefect);
    if (!running.signal.aborted && session.goneBy === undefined) for (const error of errors) this.#tell(error);
  }

  #tell(error: PorthopError): void {
    this.#options.telling.bus.publish({ event: "error", error });
  }

  /** The errors, in the order of the forwards. Rejects only when `signal` fires, and with a defect. */
  async #reachAll(session: ForwardingSession, signal: Cancel): Promise<readonly PorthopError[]> {
    const stop = new AbortController();
    const abort = () => stop.abort(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    const only = new Uplink<ForwardingSession>();
    only.stands(session);
    void session.lost.then((reason) => only.end(reason));
    const errors: (PorthopError | undefined)[] = [];
    const left = [...this.#aims.entries()];
    const work = async () => {
      for (let next = left.shift(); next !== undefined; next = left.shift()) {
        const [index, aim] = next;
        errors[index] = await this.#reach(aim, only, stop.signal);
      }
    };
    try {
      await Promise.all(Array.from({ length: mostAtOnce }, work));
    } finally {
      signal.removeEventListener("abort", abort);
    }
    return errors.filter((error) => error !== undefined);
  }

  async #reach(
    { forward, target }: Aim,
    uplink: Uplink<ForwardingSession>,
    signal: AbortSignal,
  ): Promise<PorthopError | undefined> {
    try {
      const { dialer } = pair(forward, uplink, this.#options);
      const { conn } = await dialTarget(dialer, target, this.#limitMs, signal);
      await leaveTarget(conn);
      return undefined;
    } catch (error) {
      if (signal.aborted || !(error instanceof PorthopError)) throw error;
      const { code, message, hint, leg, cause } = error;
      return new PorthopError(code, `${forward.id}: ${message}`, { hint, leg, cause });
    }
  }
}

function over(): PorthopError {
  return new PorthopError("cancelled", "the check of the targets is over");
}

/** A stop has no result; what else is thrown is a defect of porthop, which is told and ends nothing. */
function asDefect(thrown: unknown): readonly PorthopError[] {
  if (thrown instanceof PorthopError) return [];
  return [new PorthopError("internal", `the targets could not be checked: ${String(thrown)}`, { cause: thrown })];
}
