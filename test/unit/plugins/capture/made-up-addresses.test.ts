import assert from "node:assert/strict";
import { isIP } from "node:net";
import { test } from "node:test";
import { MadeUpAddresses, strangerTo } from "../../../../plugins/capture/made-up-addresses.ts";

test("Each name gets one address, and keeps it.", () => {
  const addresses = new MadeUpAddresses();
  const first = addresses.addressOf("db.internal");
  const second = addresses.addressOf("web.internal");
  assert.deepEqual(
    [first, second],
    [
      { host: "198.18.1.1", isNew: true },
      { host: "198.18.1.2", isNew: true },
    ],
  );
  assert.deepEqual(addresses.addressOf("db.internal"), { host: "198.18.1.1", isNew: false });
});

test("All 129,032 addresses differ, lie in 198.18.0.0/15 and end in neither 0 nor 255; then they begin again.", () => {
  const addresses = new MadeUpAddresses();
  const hosts = new Set<string>();
  for (let number = 0; number < 129_032; number++) hosts.add(addresses.addressOf(`host${number}`).host);
  assert.equal(hosts.size, 129_032);
  for (const host of hosts) {
    const [, , third, fourth] = host.split(".").map(Number);
    const inRange = /^198\.1[89]\./.test(host) && isIP(host) === 4;
    if (!inRange || [0, 255].includes(third ?? 0) || [0, 255].includes(fourth ?? 0)) assert.fail(host);
  }
  assert.deepEqual(addresses.addressOf("one more"), { host: "198.18.1.1", isNew: true });
  assert.deepEqual(
    addresses.addressOf("host0"),
    { host: "198.18.1.2", isNew: true },
    "it was forgotten with all others",
  );
});

test("Invented ports lie above those that Linux hands out, and none comes twice before all were used.", () => {
  const addresses = new MadeUpAddresses();
  const ports = Array.from({ length: 4536 }, () => addresses.port());
  assert.equal(new Set(ports).size, ports.length);
  assert.equal(Math.min(...ports), 61_000);
  assert.equal(Math.max(...ports), 65_535);
  assert.equal(addresses.port(), ports[0]);
});

test("A stranger is of the same family, and not an address that a name can get.", () => {
  assert.equal(isIP(strangerTo("2001:db8::1")), 6);
  assert.match(strangerTo("10.0.0.1"), /^198\.19\.255\.254$/);
});
