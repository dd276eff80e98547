/**
 * Clients that exchange hashed data without a pause, each one connection after another, until the load is stopped. What
 * each client does follows from the seed; what becomes of it is counted for each entrance.
 */
import { Dice } from "./dice.ts";
import { type Entrance, type Outcome, playExchange } from "./hashed-client.ts";

export interface LoadedEntrance extends Entrance {
  readonly name: string;
  readonly clients: number;
}

export type Counts = Record<Outcome, number>;

/** Most exchanges are short ones, and some take long enough to be hit in the middle. */
const shortBytes = 40_000;
const longBytes = 3_000_000;

export class HashedLoad implements AsyncDisposable {
  /** By the name of the entrance. */
  readonly counts: ReadonlyMap<string, Counts>;
  /** One line for each client that got wrong or missing bytes before a clean end. */
  readonly complaints: string[] = [];
  readonly #stopping = new AbortController();
  readonly #givingUp = new AbortController();
  readonly #lanes: Promise<void>;

  constructor(entrances: readonly LoadedEntrance[], seed: number) {
    this.counts = new Map(entrances.map(({ name }) => [name, noCounts()]));
    const lanes = entrances.flatMap((entrance, index) =>
      Array.from({ length: entrance.clients }, (_, client) => this.#lane(entrance, seed + index * 1000 + client)),
    );
    this.#lanes = Promise.all(lanes).then(() => {});
  }

  of(name: string): Counts {
    return this.counts.get(name) ?? noCounts();
  }

  /** The clients finish what they are at. Those that cannot within this time are `stuck`. */
  async stop(withinMs = 30_000): Promise<void> {
    this.#stopping.abort();
    const timer = setTimeout(() => this.#givingUp.abort(), withinMs);
    await this.#lanes;
    clearTimeout(timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop(0);
  }

  async #lane(entrance: LoadedEntrance, seed: number): Promise<void> {
    const dice = new Dice(seed);
    const counts = this.of(entrance.name);
    while (!this.#stopping.signal.aborted) {
      const most = dice.between(1, 10) === 1 ? longBytes : shortBytes;
      const exchange = { up: dice.between(0, most), down: dice.between(0, most), seed: dice.between(1, 1_000_000) };
      const { outcome, bytes } = await playExchange(entrance, exchange, this.#givingUp.signal);
      counts[outcome]++;
      if (outcome === "wrong" || outcome === "short") {
        this.complaints.push(`${entrance.name}: ${outcome} after ${bytes} bytes (${JSON.stringify(exchange)})`);
      }
      // A listener that is away answers at once, and is not asked without a pause.
      if (outcome === "refused" || outcome === "unheard") await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

function noCounts(): Counts {
  return { whole: 0, short: 0, broken: 0, wrong: 0, refused: 0, unheard: 0, stuck: 0 };
}
