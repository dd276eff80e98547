/**
 * Kills the session of a running forwarder again and again, at moments that nobody chose, while clients exchange hashed
 * data through it, and measures how long it takes until a new connection is through.
 */
import { Dice } from "./dice.ts";
import type { FaultyRelay } from "./faulty-relay.ts";
import { type Entrance, hearFirstByte } from "./hashed-client.ts";
import { type Counts, HashedLoad, type LoadedEntrance } from "./hashed-load.ts";
import type { Sshd } from "./sshd.ts";

export interface Kills {
  readonly seed: number;
  readonly kills: number;
  /** Between a kill that is got over, and the next one. */
  readonly betweenMs: readonly [least: number, most: number];
}

/** A forwarder that goes to this sshd through this relay. */
export interface Forwarder {
  readonly sshd: Sshd;
  readonly relay: FaultyRelay;
  /** The first one is measured. */
  readonly entrances: readonly LoadedEntrance[];
}

export interface KillReport {
  /** For each kill the time until the first byte of the target came through a new connection to the first entrance. */
  readonly firstByteMs: readonly number[];
  /** For each kill the time until all entrances had let a new connection through. */
  readonly allBackMs: readonly number[];
  /** New connections after a kill, by entrance, that were refused, or ended without a byte of the target. */
  readonly turnedAway: Readonly<Record<string, number>>;
  readonly counts: ReadonlyMap<string, Counts>;
  readonly complaints: readonly string[];
}

export async function killSessions(forwarder: Forwarder, { seed, kills, betweenMs }: Kills): Promise<KillReport> {
  const { entrances } = forwarder;
  const dice = new Dice(seed);
  const turnedAway: Record<string, number> = Object.fromEntries(entrances.map(({ name }) => [name, 0]));
  const firstByteMs: number[] = [];
  const allBackMs: number[] = [];
  await using load = new HashedLoad(entrances, seed);
  for (let kill = 0; kill < kills; kill++) {
    // The moment is the point here: nothing that could be waited for may choose it.
    await new Promise((resolve) => setTimeout(resolve, dice.between(...betweenMs)));
    const start = performance.now();
    await loseSession(forwarder, dice);
    for (const [index, entrance] of entrances.entries()) {
      const tries = await untilThrough(entrance);
      turnedAway[entrance.name] = (turnedAway[entrance.name] ?? 0) + tries;
      if (index === 0) firstByteMs.push(performance.now() - start);
    }
    allBackMs.push(performance.now() - start);
  }
  await load.stop();
  return { firstByteMs, allBackMs, turnedAway, counts: load.counts, complaints: load.complaints };
}

/** Half of the sessions die with their process on the server, and half with their connection. */
async function loseSession({ sshd, relay }: Forwarder, dice: Dice): Promise<void> {
  if (dice.between(0, 1) === 0) await sshd.dropSessions();
  else relay.cut();
}

/** Connects until the target answers. Returns how many connections came to nothing before. */
async function untilThrough(entrance: Entrance): Promise<number> {
  const start = performance.now();
  for (let tries = 0; ; tries++) {
    if ((await hearFirstByte(entrance)) === "heard") return tries;
    if (performance.now() - start > mostAwayMs) throw new Error(`port ${entrance.port} is not back`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const mostAwayMs = 60_000;
