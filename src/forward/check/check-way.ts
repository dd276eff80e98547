/**
 * The steps of the way to sshd, reported as the sessions are set up: name, connection, banner, host key and login, for
 * each jump host and then for the destination. This file listens to the events of a route and connects nothing itself.
 */
import { isIP } from "node:net";
import { formatAddress } from "../../codec/address.ts";
import { PorthopError } from "../../errors.ts";
import type { Progress } from "../../flow/event.ts";
import type { SessionSettings } from "../../ssh/session.ts";
import { type CheckStep, failed, type StepName, type StepPlace, skipped } from "./check-step.ts";

export interface WayLimits {
  /** The limit for the lookup of a name, which has no limit of its own. */
  readonly nameMs: number;
  /** The limit for a login; undefined when a person may be asked, who may think as long as they like. */
  readonly loginMs: number | undefined;
}

export class WayCheck {
  /** Fires, with the reason, when a step takes too long. */
  readonly late: AbortSignal;
  readonly #hops: readonly SessionSettings[];
  readonly #command: string | undefined;
  readonly #tell: (step: CheckStep) => void;
  readonly #limits: WayLimits;
  readonly #late = new AbortController();
  /** Steps that are still to come, the next one first. */
  readonly #pending: StepPlace[];
  #current: SessionSettings | undefined;
  #since = performance.now();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    hops: readonly SessionSettings[],
    command: string | undefined,
    limits: WayLimits,
    tell: (step: CheckStep) => void,
  ) {
    this.late = this.#late.signal;
    this.#hops = hops;
    this.#command = command;
    this.#limits = limits;
    this.#tell = tell;
    this.#pending = hops.flatMap((_hop, index) => this.#stepsOf(index));
  }

  /** Call this when the session with this number is being set up: from now on progress is about that session. */
  begins(number: number): void {
    this.#current = this.#hops[number - 1];
    this.#next();
  }

  progress(progress: Progress): void {
    const place = this.#pending[0];
    if (place === undefined || place.step !== this.#stepOf(progress)) return;
    this.#pending.shift();
    const ms = this.#elapsedMs();
    this.#tell({ ...place, outcome: "ok", message: this.#text(progress, place), ms });
    this.#next();
  }

  /** Call this when the current step failed. All later steps of the way need that step, and cannot be tried. */
  failed(error: PorthopError): void {
    clearTimeout(this.#timer);
    const [place, ...others] = this.#pending.splice(0);
    if (place === undefined) return;
    this.#tell(failed(place, error, this.#elapsedMs()));
    for (const other of others) this.#tell(skipped(other, `needs ${needed[place.step]}`));
  }

  /** Call this when the way is over, so that no step becomes late any more. */
  end(): void {
    clearTimeout(this.#timer);
  }

  #stepsOf(index: number): readonly StepPlace[] {
    const connection: readonly StepName[] =
      index > 0 ? ["tcp"] : this.#command === undefined ? ["name", "tcp"] : ["proxy-command"];
    const isLast = index === this.#hops.length - 1;
    const hop = isLast ? {} : { hop: index + 1 };
    return [...connection, "banner", "host-key", "login"].map((step) => ({ step: step as StepName, ...hop, leg: 2 }));
  }

  #stepOf({ done }: Progress): StepName {
    if (done === "connection") return this.#pending[0]?.step === "proxy-command" ? "proxy-command" : "tcp";
    return done === "greeting" ? "banner" : done;
  }

  #next(): void {
    this.#since = performance.now();
    clearTimeout(this.#timer);
    const { nameMs, loginMs } = this.#limits;
    const step = this.#pending[0]?.step;
    if (step === "name") this.#timer = setTimeout(() => this.#late.abort(this.#nameless()), nameMs);
    if (step === "login" && loginMs !== undefined) {
      this.#timer = setTimeout(() => this.#late.abort(this.#unanswered(loginMs)), loginMs);
    }
  }

  #elapsedMs(): number {
    return Math.round(performance.now() - this.#since);
  }

  #text(progress: Progress, { hop }: StepPlace): string {
    const { host = "", port = 0, user = "" } = this.#current ?? {};
    switch (progress.done) {
      case "name":
        return isIP(host) === 0 ? `${host} is ${progress.addresses.join(" and ")}` : `${host} is an address`;
      case "connection": {
        const { local, remote } = progress;
        if (local !== undefined && remote !== undefined) return `${formatAddress(local)} -> ${formatAddress(remote)}`;
        if (remote === undefined) return `started: ${this.#command}`;
        return `jump host ${(hop ?? this.#hops.length) - 1} connects to ${formatAddress(remote)}`;
      }
      case "greeting":
        return `${progress.software} at ${formatAddress({ host, port })}`;
      case "host-key": {
        const because = progress.because === undefined ? "" : `, ${progress.because}`;
        return `${progress.kind} ${progress.fingerprint}${because}`;
      }
      case "login":
        return progress.by === undefined ? user : `${user}, by ${progress.by}`;
    }
  }

  #nameless(): PorthopError {
    const { nameMs } = this.#limits;
    const { host = "" } = this.#current ?? {};
    return new PorthopError("host.not-found", `nobody knew the host ${host} within ${nameMs / 1000} s`, {
      leg: 2,
      hint: "the name service does not answer: check the network, or use the IP address",
    });
  }

  #unanswered(ms: number): PorthopError {
    const { host = "", port = 0 } = this.#current ?? {};
    const where = formatAddress({ host, port });
    return new PorthopError("ssh.auth-failed", `${where} did not decide about the login within ${ms / 1000} s`, {
      leg: 2,
      hint: "sshd may be waiting for a name service or a login service of its own: see its log",
    });
  }
}

const needed: Readonly<Record<StepName, string>> = {
  name: "the host's address",
  tcp: "the connection",
  "proxy-command": "the ProxyCommand",
  banner: "an SSH server",
  "host-key": "the host key",
  login: "the login",
  listener: "the listener",
  target: "the target",
  dial: "a dial",
};
