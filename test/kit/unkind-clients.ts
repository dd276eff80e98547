/**
 * A load of clients on one port of a forward to an errand server. Some clients misbehave: see unkind-script.ts. The
 * report says for each client that stayed whether its bytes arrived, all of them and with a clean end.
 */
import { answerTo, asked } from "./errands.ts";
import { randomChunks } from "./random.ts";
import { connectTo, type TcpEnd } from "./tcp-end.ts";
import {
  everyManner,
  isKind,
  type Manner,
  type Mix,
  type Script,
  type Sizes,
  scriptsOf,
  usualSizes,
} from "./unkind-script.ts";
import { Waiting } from "./waiting.ts";

export interface Load {
  readonly seed: number;
  readonly clients: number;
  readonly atOnce?: number;
  readonly mix?: Mix;
  readonly sizes?: Sizes;
}

export interface LoadReport {
  readonly seed: number;
  /** How many clients played each manner. */
  readonly played: ReadonlyMap<Manner, number>;
  /** How many of the clients that stayed got all bytes. */
  readonly whole: number;
  /** One line for each client that stayed and did not get all bytes. */
  readonly broken: readonly string[];
}

/** Resolves when all clients have come and gone. */
export async function unkindClients(port: number, load: Load): Promise<LoadReport> {
  const scripts = scriptsOf(load.seed, load.clients, load.mix ?? everyManner, load.sizes ?? usualSizes);
  const crowd = new Crowd();
  const broken: string[] = [];
  const played = new Map<Manner, number>();
  let whole = 0;
  let next = 0;
  const lane = async () => {
    for (let index = next++; ; index = next++) {
      const script = scripts[index];
      if (script === undefined) return;
      const failure = await play(port, script, crowd);
      crowd.ended();
      played.set(script.manner, (played.get(script.manner) ?? 0) + 1);
      if (failure !== undefined) broken.push(`client ${index} (${JSON.stringify(script)}): ${failure}`);
      else if (isKind(script.manner)) whole++;
    }
  };
  await Promise.all(Array.from({ length: load.atOnce ?? 24 }, lane));
  return { seed: load.seed, played, whole, broken };
}

/** The other clients, for which a pausing client waits. */
class Crowd {
  #ended = 0;
  readonly #waiting = new Waiting();

  ended(): void {
    this.#ended++;
    this.#waiting.change();
  }

  /**
   * Resolves when this many more clients have ended, or after `atMostMs`. The limit is needed because the last clients
   * have no others to wait for.
   */
  async pass(others: number, atMostMs: number): Promise<void> {
    const enough = this.#ended + others;
    await this.#waiting.until("others", () => (this.#ended >= enough ? true : undefined), atMostMs).catch(() => {});
  }
}

/** Returns what went wrong for a client that stayed. What happens to clients that leave does not matter. */
async function play(port: number, script: Script, crowd: Crowd): Promise<string | undefined> {
  let client: TcpEnd;
  try {
    client = await connectTo(port);
  } catch (error) {
    return isKind(script.manner) ? `could not connect: ${error}` : undefined;
  }
  await using end = client;
  await act(end, script, crowd);
  if (!isKind(script.manner)) return undefined;
  const received = await end.received;
  end.end();
  const wanted = script.manner === "says-goodbye" ? nothing : await answerTo(script.errand);
  const how = received.ended ? "a clean end" : "a reset";
  if (received.bytes !== wanted.bytes) return `got ${received.bytes} of ${wanted.bytes} bytes and ${how}`;
  if (received.sha256 !== wanted.sha256) return `got ${received.bytes} bytes that are not those that were sent`;
  return received.ended ? undefined : "got all its bytes, and then a reset instead of an end";
}

/** Plays a script up to the point where a client that stays only waits, and where another client is to be closed. */
async function act(end: TcpEnd, { manner, errand, after, others, atMostMs }: Script, crowd: Crowd): Promise<void> {
  const content = () => randomChunks(errand.bytes, errand.seed);
  switch (manner) {
    case "touches":
      return;
    case "touches-and-resets":
      return end.reset();
    case "keeps-silent":
      return crowd.pass(others, atMostMs);
    case "says-goodbye":
      return end.end();
  }
  // A client that never reads has a small buffer in the kernel, so everything behind the buffer fills sooner.
  if (manner === "pauses" && after === 0) end.pause();
  await end.send(asked(errand));
  switch (manner) {
    case "reads":
      return;
    case "half-closes":
      return end.end();
    case "pauses":
      await end.gotOrEnded(after);
      end.pause();
      await crowd.pass(others, atMostMs);
      return end.resume();
    case "leaves":
    case "resets":
      await end.gotOrEnded(after);
      return manner === "resets" ? end.reset() : undefined;
    case "is-left":
      // The target reads no more. With some servers the bytes might never be accepted, so the wait has a limit.
      return Promise.race([end.send(randomChunks(usualSizes.large, errand.seed)), crowd.pass(others, atMostMs)]);
    case "uploads":
      return end.send(content());
    case "echoes":
      await end.send(content());
      return end.end();
    case "uploads-and-leaves":
    case "uploads-and-resets":
      await end.send(randomChunks(after, errand.seed));
      return manner === "uploads-and-resets" ? end.reset() : undefined;
  }
}

const nothing = { bytes: 0, sha256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" };
