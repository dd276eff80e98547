import assert from "node:assert/strict";
import { test } from "node:test";
import { type Address, formatAddress } from "../../../../src/codec/address.ts";
import { PorthopError } from "../../../../src/errors.ts";
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

test("The reason names what most likely holds the place, and for how long it may be.", () => {
  const reasonOf = (asked: Address, former = asked) =>
    waitingReason(
      new PorthopError("forward.refused", `the server vishnu:22 did not listen on ${formatAddress(former)}`, {
        leg: 1,
      }),
      asked,
      former,
    );
  const stale =
    "again: most likely its sshd still holds the port for the lost session; ClientAliveInterval, or TCPKeepAlive, in its sshd_config decides for how long. porthop asks again and again";
  const end =
    "until it is free. If it never is, another program has it, or AllowTcpForwarding or PermitListen forbids it now";
  assert.equal(reasonOf(port), `the server vishnu:22 did not listen on localhost:8080 ${stale} ${end}`);
  assert.equal(
    reasonOf(anyPort, { host: "localhost", port: 40_001 }),
    `the server vishnu:22 did not listen on localhost:40001 ${stale}, 10 s long, then for any other port`,
  );
  assert.equal(reasonOf(anyPort), `the server vishnu:22 did not listen on localhost:0 ${stale} ${end}`);
  assert.equal(
    reasonOf(socket),
    "the server vishnu:22 did not listen on /run/a.sock again: most likely the socket's file of the lost session is still there, for sshd leaves it behind: remove it there, or let its sshd_config say StreamLocalBindUnlink yes. porthop asks again and again",
  );
});
