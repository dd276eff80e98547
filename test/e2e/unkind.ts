/** Loads of unkind clients on a running porthop, and what must be true of porthop afterwards. */
import assert from "node:assert/strict";
import { asked, type Errand } from "../kit/errands.ts";
import type { Exit, Porthop } from "../kit/porthop.ts";
import { connectTo, type TcpEnd } from "../kit/tcp-end.ts";
import { type Load, unkindClients } from "../kit/unkind-clients.ts";
import { assertClean } from "./failure.ts";

interface Forwarding {
  readonly program: Porthop;
  stop(): Promise<Exit>;
}

/**
 * Checks that the session lives to the end, that every client that stayed got all bytes, that every flow is closed, and
 * that SIGTERM ends porthop with 0.
 */
export async function assertUnharmed(forwarding: Forwarding, port: number, load: Load): Promise<void> {
  const { program } = forwarding;
  const { seed, whole, broken } = await unkindClients(port, load);
  assertKept(program, `seed ${seed}`);
  assert.equal(broken.length, 0, `seed ${seed}: ${broken.length} beside ${whole}: ${broken.slice(0, 3).join("\n")}`);
  assert.ok(whole > load.clients / 8, `seed ${seed}: only ${whole} stayed`);
  await allClosed(program);
  const exit = await forwarding.stop();
  assert.equal(exit.code, 0, `seed ${seed}: ${exit.stderr}`);
  assertClean(exit);
}

/**
 * Clients that read the first KB of an endless answer and close. Each is followed at once by another client that does
 * not read for a moment. The channel of the second client has the number that has just become free, and gets whatever
 * is still sent under that number.
 */
export async function leaveAndFollow(program: Porthop, port: number, rounds: number): Promise<void> {
  for (let round = 1; round <= rounds; round++) {
    const leavers = await Promise.all(Array.from({ length: 4 }, () => leaver(port)));
    const followers = await Promise.all(leavers.map((leaver) => follow(leaver, port)));
    // Meanwhile the followers' data comes, as far as the windows of the channels allow. Nothing reports that all has
    // come, and the test holds without that too.
    await new Promise((resolve) => setTimeout(resolve, 300));
    for (const follower of followers) follower.resume();
    const received = await Promise.all(followers.map((follower) => follower.received));
    for (const follower of followers) follower.end();
    assertKept(program, `round ${round}`);
    for (const got of received) assert.deepEqual([got.bytes, got.ended], [followed.bytes, true], `round ${round}`);
  }
}

const endless: Errand = { kind: "download", bytes: 1_000_000_000, seed: 1 };
/** More bytes than fit between a target and a reader that does not read. */
const followed: Errand = { kind: "download", bytes: 10_000_000, seed: 2 };

async function leaver(port: number): Promise<TcpEnd> {
  const client = await connectTo(port);
  await client.send(asked(endless));
  await client.gotOrEnded(1000);
  return client;
}

async function follow(leaver: TcpEnd, port: number): Promise<TcpEnd> {
  await leaver[Symbol.asyncDispose]();
  const client = await connectTo(port);
  client.pause();
  await client.send(asked(followed));
  return client;
}

function assertKept(program: Porthop, when: string): void {
  const lost = program.events.find(({ event, state }) => event === "session" && state === "lost");
  assert.equal(lost, undefined, `${when}: the session was lost`);
}

/** A flow that stays open although its client is gone is a leak. */
async function allClosed(program: Porthop): Promise<void> {
  const flows = (name: string) => program.events.flatMap(({ event, flow }) => (event === name && flow ? [flow] : []));
  const left = () => {
    const closed = new Set(flows("flow.close"));
    return flows("flow.open").filter((flow) => !closed.has(flow));
  };
  await program.event("flow.close", () => left().length === 0).catch(() => assert.fail(`still open: ${left()}`));
}
