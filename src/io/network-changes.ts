/**
 * Notices that this machine got other addresses, or that it slept. No runtime tells of either, so they are looked for
 * every few seconds, and only while somebody listens. A look at the addresses takes 0.2 ms, one at the clocks far less;
 * an idle runtime wakes up more often by itself. The timers keep no process alive.
 */
import { networkInterfaces } from "node:os";
import { isLoopback } from "../codec/address.ts";
import type { Cancel } from "../flow/conn.ts";

/** What is read of this machine, which tests play. */
export interface WatchedMachine {
  interfaces(): ReturnType<typeof networkInterfaces>;
  /** The clock that nobody sets. On Linux it stands while the machine sleeps. */
  steadyMs(): number;
  /** The time of day. */
  wallMs(): number;
  /** Calls `look` again and again, until the returned function is called. */
  every(ms: number, look: () => void): () => void;
}

/** Until `signal` fires, calls `told` each time that this machine has other addresses than at the look before. */
export function onAddressChange(
  told: () => void,
  signal: Cancel,
  everyMs = 5000,
  machine: WatchedMachine = thisMachine,
): void {
  let known = addressesOf(machine);
  lookUntil(signal, machine, everyMs, () => {
    const now = addressesOf(machine);
    const isChange = known !== undefined && now !== undefined && now !== known;
    known = now ?? known;
    if (isChange) told();
  });
}

/**
 * Until `signal` fires, calls `told` each time that the machine slept, or that this process was stopped (SIGSTOP). A
 * time of day that somebody sets looks the same, and so does an event loop that was held up for long. So do then what
 * does no harm: ask the server whether it is still there.
 */
export function onWake(told: () => void, signal: Cancel, everyMs = 2000, machine: WatchedMachine = thisMachine): void {
  let before = { steady: machine.steadyMs(), wall: machine.wallMs() };
  lookUntil(signal, machine, everyMs, () => {
    const now = { steady: machine.steadyMs(), wall: machine.wallMs() };
    const passedMs = now.steady - before.steady;
    const apartMs = Math.abs(now.wall - before.wall - passedMs);
    before = now;
    if (apartMs > mostApartMs || passedMs > everyMs + mostLateMs) told();
  });
}

/** NTP moves the time of day by half a millisecond in each second at most, unless it sets it. */
const mostApartMs = 2000;
/** Where both clocks go on (SIGSTOP; in sleep on Windows), a look that comes so late tells of it. */
const mostLateMs = 10_000;

function lookUntil(signal: Cancel, machine: WatchedMachine, everyMs: number, look: () => void): void {
  if (signal.aborted) return;
  const stop = machine.every(everyMs, look);
  signal.addEventListener("abort", stop, { once: true });
}

/**
 * The addresses by which others can be reached, each with its interface. Undefined where the system does not tell
 * (a sandbox): nothing is known of a change then.
 */
function addressesOf(machine: WatchedMachine): string | undefined {
  try {
    return Object.entries(machine.interfaces())
      .flatMap(([name, own]) => (own ?? []).map(({ address }) => ({ name, address })))
      .filter(({ address }) => !isLoopback(address))
      .map(({ name, address }) => `${name} ${address}`)
      .sort()
      .join("\n");
  } catch {
    return undefined;
  }
}

export const thisMachine: WatchedMachine = {
  interfaces: networkInterfaces,
  steadyMs: () => performance.now(),
  wallMs: () => Date.now(),
  every(ms, look) {
    const timer = setInterval(look, ms);
    timer.unref();
    return () => clearInterval(timer);
  },
};
