import assert from "node:assert/strict";
import { test } from "node:test";
import { type Address, formatAddress, isUnix, type TcpAddress } from "../../../../src/codec/address.ts";
import { PorthopError } from "../../../../src/errors.ts";
import type { Dialer, Inbound } from "../../../../src/flow/conn.ts";
import { ComingBack } from "../../../../src/forward/check/come-back.ts";
import { connPair } from "../../../kit/memory-conn.ts";

const never = new AbortController().signal;
const port = 3000;

/** What is at an address of the server: the forward's listener, another program, nothing, or a silent firewall. */
type There = "ours" | "other" | "nothing" | "silence";

/** A server whose connections to its own forward come from `origin`, before or after its answer to the dial. */
function serverWith(there: Readonly<Record<string, There>>, back: ComingBack, order: "before" | "after" = "after") {
  const dialed: string[] = [];
  const refused: unknown[] = [];
  const comeBack = (from: string) => {
    const origin: Address = { host: from, port: 40_000 };
    back.accept({ origin, refuse: (error: PorthopError) => refused.push(error.code) } as unknown as Inbound);
  };
  const dialer: Dialer = {
    async dial(target, _origin, signal) {
      const { host } = target as TcpAddress;
      dialed.push(formatAddress(target));
      const what = there[host] ?? "nothing";
      if (what === "nothing") throw new PorthopError("target.refused", "nothing listens there");
      if (what === "silence") {
        await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
        throw signal.reason;
      }
      if (what === "ours" && order === "before") comeBack(host);
      if (what === "ours" && order === "after") queueMicrotask(() => queueMicrotask(() => comeBack(host)));
      return { conn: connPair()[0], leg: { from: undefined, to: undefined, observed: false } };
    },
  };
  return { dialer, dialed, refused };
}

async function tried(there: Readonly<Record<string, There>>, host = "localhost", order?: "before" | "after") {
  const back = new ComingBack();
  const { dialer, dialed, refused } = serverWith(there, back, order);
  const { ours, others } = await back.tryAddresses(dialer, { host, port }, 200, never);
  return { ours: ours.map(formatAddress), others: others.map(formatAddress), dialed, refused };
}

test("A connection that comes back is ours, whether the dial is answered before or after it.", async () => {
  for (const order of ["before", "after"] as const) {
    const { ours, others, refused } = await tried({ "127.0.0.1": "ours", "::1": "ours" }, "localhost", order);
    assert.deepEqual([ours, others], [["127.0.0.1:3000", "[::1]:3000"], []]);
    assert.deepEqual(refused, ["target.prohibited", "target.prohibited"], "a check carries nothing");
  }
});

test("An address where somebody else answers is told from one where nobody does.", async () => {
  const half = await tried({ "127.0.0.1": "other", "::1": "ours" });
  assert.deepEqual([half.ours, half.others], [["[::1]:3000"], ["127.0.0.1:3000"]]);
  const four = await tried({ "127.0.0.1": "ours" });
  assert.deepEqual([four.ours, four.others], [["127.0.0.1:3000"], []]);
  const silent = await tried({ "127.0.0.1": "silence", "::1": "silence" });
  assert.deepEqual([silent.ours, silent.others], [[], []]);
});

test("The bind address is tried too, unless it stands for the loopback or for all.", async () => {
  assert.deepEqual((await tried({}, "192.0.2.7")).dialed, ["127.0.0.1:3000", "[::1]:3000", "192.0.2.7:3000"]);
  for (const host of ["localhost", "*", "", "0.0.0.0", "::", "::1"]) {
    assert.deepEqual((await tried({}, host)).dialed, ["127.0.0.1:3000", "[::1]:3000"], host);
  }
});

test("A client from elsewhere that comes at that moment is not taken for ours.", async () => {
  const back = new ComingBack();
  const { dialer } = serverWith({ "127.0.0.1": "other" }, back);
  const visiting: Dialer = {
    dial(target, origin, signal) {
      const visitor = { host: "203.0.113.9", port: 1 };
      back.accept({ origin: visitor, refuse() {} } as unknown as Inbound);
      return dialer.dial(target, origin, signal);
    },
  };
  const { ours, others } = await back.tryAddresses(visiting, { host: "localhost", port }, 50, never);
  assert.deepEqual([ours, others.map(formatAddress)], [[], ["127.0.0.1:3000"]]);
});

test("An IPv4 client of a listener for both families is known by its IPv4 address.", async () => {
  const back = new ComingBack();
  const mapped: Dialer = {
    async dial(target) {
      if (isUnix(target) || target.host !== "127.0.0.1") throw new PorthopError("target.refused", "nobody");
      back.accept({ origin: { host: "::ffff:127.0.0.1", port: 1 }, refuse() {} } as unknown as Inbound);
      throw new PorthopError("target.refused", "ended at once");
    },
  };
  const { ours } = await back.tryAddresses(mapped, { host: "localhost", port }, 50, never);
  assert.deepEqual(ours.map(formatAddress), ["127.0.0.1:3000"]);
});

test("A stop ends the wait.", async () => {
  const back = new ComingBack();
  const stop = new AbortController();
  const { dialer } = serverWith({ "127.0.0.1": "silence" }, back);
  const trying = back.tryAddresses(dialer, { host: "localhost", port }, 60_000, stop.signal);
  stop.abort(new PorthopError("cancelled", "stopped"));
  await assert.rejects(trying, { code: "cancelled" });
});
