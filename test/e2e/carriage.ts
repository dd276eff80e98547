/** What every kind of forward must do with a connection: carry all its bytes, and let each half end on its own. */
import assert from "node:assert/strict";
import type { Porthop } from "../kit/porthop.ts";
import { randomChunks, sumOf } from "../kit/random.ts";
import type { sinkServer } from "../kit/servers.ts";
import type { TcpEnd } from "../kit/tcp-end.ts";
import { connectAt, type Place } from "./place.ts";

/** Both ends send at the same time, each its own bytes. For `endsLate` see Bulk. */
export async function assertCarries(
  client: TcpEnd,
  target: TcpEnd,
  { bytes = 20_000_000, endsLate = false }: Partial<Pick<Bulk, "bytes" | "endsLate">> = {},
): Promise<void> {
  const send = async (end: TcpEnd, seed: number) => {
    await end.send(randomChunks(bytes, seed));
    if (endsLate) await end.got(bytes);
    end.end();
  };
  await Promise.all([send(client, 1), send(target, 2)]);
  assert.deepEqual(await target.received, { ...(await sumOf(randomChunks(bytes, 1))), ended: true }, "up");
  assert.deepEqual(await client.received, { ...(await sumOf(randomChunks(bytes, 2))), ended: true }, "down");
}

/** The bytes of a tunnel whose first forward goes to a source and whose second forward goes to a sink, both at once. */
export interface Bulk {
  readonly bytes: number;
  /** The seed of the bytes that the source sends, and of those that are written to the sink. */
  readonly seeds: readonly [number, number];
  /**
   * The reader ends its half only after all bytes came: under Deno an earlier end may reset
   * the connection (README, limits).
   */
  readonly endsLate?: boolean;
}

export async function assertCarriesBulk(
  tunnel: { readonly program: Porthop; connect(index: number): Promise<TcpEnd> },
  sink: Pick<Awaited<ReturnType<typeof sinkServer>>, "received">,
  { bytes, seeds: [down, up], endsLate = false }: Bulk,
): Promise<void> {
  await using reader = await tunnel.connect(0);
  await using writer = await tunnel.connect(1);
  if (!endsLate) reader.end();
  const received = reader.received;
  await writer.send(randomChunks(bytes, up));
  writer.end();
  const whole = async (seed: number) => ({ ...(await sumOf(randomChunks(bytes, seed))), ended: true });
  const told = () => `${tunnel.program.stderrText}\n${JSON.stringify(tunnel.program.events.slice(-5))}`;
  assert.deepEqual(await received, await whole(down), told());
  if (endsLate) reader.end();
  assert.deepEqual(await sink.received(), await whole(up), told());
  assert.deepEqual(await writer.received, { ...(await sumOf([])), ended: true }, told());
}

/** `first` ends its half. What `second` sends after that still arrives. */
export async function assertHalfCloses(first: TcpEnd, second: TcpEnd): Promise<void> {
  await first.send("a question");
  first.end();
  assert.deepEqual([(await second.received).ended, second.text], [true, "a question"]);
  await second.send("a late answer");
  await first.got("a late answer".length);
  second.end();
  assert.deepEqual([(await first.received).ended, first.text], [true, "a late answer"]);
}

/**
 * A client that connects gets no bytes, and by TCP a reset, which may come before the client knows of its connection.
 */
export async function assertTurnedAway(place: Place): Promise<void> {
  await using client = await connectAt(place).catch((error: NodeJS.ErrnoException) => {
    assert.equal(error.code, "ECONNRESET");
    return undefined;
  });
  const received = await client?.received;
  assert.equal(received?.bytes ?? 0, 0);
  // A unix socket has no RST: its peer sees only an end.
  if ("port" in place) assert.equal(received?.ended ?? false, false, "a reset and no clean end");
}
