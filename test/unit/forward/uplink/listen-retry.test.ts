import assert from "node:assert/strict";
import { test } from "node:test";
import { type Address, formatAddress } from "../../../../src/codec/address.ts";
import { ListenRetry, waitingReason } from "../../../../src/forward/uplink/listen-retry.ts";

const port: Address = { host: "localhost", port: 8080 };
const anyPort: Address = { host: "localhost", port: 0 };
const socket: Address = { path: "/run/a.sock" };

/** What is asked for, and the wait after its refusal, one after the other. */
function asksOf(asked: Address, former: Address, times: number): string[] {
  const retry = new ListenRetry(asked, former);
  return Array.from({ length: times }, () => `${formatAddress(retry.wanted)} ${retry.refused()}`);
}

test("The same address is asked for with waits that double from 0.2 s to 30 s, for ever.", () => {
  for (const address of [port, socket]) {
    const asks = asksOf(address, address, 100);
    assert.deepEqual(
      asks.slice(0, 10),
      [200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000].map((ms) => `${formatAddress(address)} ${ms}`),
    );
    assert.ok(asks.slice(10).every((ask) => ask === `${formatAddress(address)} 30000`));
  }
});

test("Where any port will do the former number is asked for during 10 s, and then any.", () => {
  assert.deepEqual(asksOf(anyPort, { host: "localhost", port: 40_001 }, 9), [
    ...["200", "400", "800", "1600", "3200", "3800"].map((wait) => `localhost:40001 ${wait}`),
    ...["12800", "25600", "30000"].map((wait) => `localhost:0 ${wait}`),
  ]);
});

test("Where no port was ever chosen any is asked for from the start.", () => {
  assert.equal(asksOf(anyPort, anyPort, 50).filter((ask) => ask.startsWith("localhost:0 ")).length, 50);
});

test("The reason names what most likely holds the place, and what ends the wait, in one short line.", () => {
  const stale =
    "again yet: its sshd most likely still holds it for the lost session (ClientAliveInterval in its sshd_config says for how long)";
  assert.equal(
    waitingReason(port, port),
    `the server does not listen on port 8080 ${stale}; asked again until it is free`,
  );
  assert.equal(
    waitingReason(anyPort, { host: "localhost", port: 40_001 }),
    `the server does not listen on port 40001 ${stale}; after 10 s any other port is asked for`,
  );
  assert.equal(
    waitingReason(socket, socket),
    "the server does not listen on /run/a.sock again yet: most likely sshd left the file of the lost session there: remove it, or set StreamLocalBindUnlink yes in its sshd_config; asked again until it is gone",
  );
});

test("Where no port was ever chosen no session can hold it, and the reason does not say so.", () => {
  assert.equal(
    waitingReason(anyPort, anyPort),
    "the server does not listen on any port yet; asked again until it does",
  );
});
