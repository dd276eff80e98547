import assert from "node:assert/strict";
import type { networkInterfaces } from "node:os";
import { test } from "node:test";
import { onAddressChange, onWake, thisMachine, type WatchedMachine } from "../../../src/io/network-changes.ts";
import { Waiting } from "../../kit/waiting.ts";

type Interfaces = ReturnType<typeof networkInterfaces>;

/** A machine whose addresses and clocks the test sets. `look` is the next look of a watcher, `ms` later. */
function playedMachine() {
  const looks = new Set<() => void>();
  const played = {
    periods: [] as number[],
    found: {} as Interfaces | Error,
    steady: 1000,
    wall: 1_700_000_000_000,
    get watchers() {
      return looks.size;
    },
    look(ms: number, { asleepMs = 0 } = {}) {
      played.steady += ms;
      played.wall += ms + asleepMs;
      for (const each of [...looks]) each();
    },
  };
  const machine: WatchedMachine = {
    interfaces() {
      if (played.found instanceof Error) throw played.found;
      return played.found;
    },
    steadyMs: () => played.steady,
    wallMs: () => played.wall,
    every(ms, look) {
      played.periods.push(ms);
      looks.add(look);
      return () => void looks.delete(look);
    },
  };
  return Object.assign(played, { machine });
}

function interfacesWith(addresses: Readonly<Record<string, readonly string[]>>): Interfaces {
  const entry = (address: string) => ({
    ...{ address, cidr: `${address}/24`, netmask: "255.255.255.0", mac: "00:00:00:00:00:00" },
    ...{ family: "IPv4" as const, internal: address.startsWith("127.") },
  });
  return Object.fromEntries(Object.entries(addresses).map(([name, all]) => [name, all.map(entry)]));
}

test("A change of the addresses is told once, and each later change again.", () => {
  const played = playedMachine();
  const told: string[] = [];
  const set = (what: string, addresses: Readonly<Record<string, readonly string[]>>) => {
    played.found = interfacesWith(addresses);
    const before = told.length;
    played.look(5000);
    played.look(5000);
    if (told.length > before) told[before] = what;
  };
  played.found = interfacesWith({ lo: ["127.0.0.1"], wlan0: ["10.0.0.5"] });
  onAddressChange(() => told.push("?"), new AbortController().signal, 5000, played.machine);
  set("the same", { wlan0: ["10.0.0.5"], lo: ["127.0.0.1"] });
  set("one of the loopback", { lo: ["127.0.0.1", "127.0.0.2"], wlan0: ["10.0.0.5"] });
  set("the network gone", { lo: ["127.0.0.1"] });
  set("another network", { lo: ["127.0.0.1"], wlan0: ["192.168.1.7"] });
  set("one more", { lo: ["127.0.0.1"], wlan0: ["192.168.1.7", "10.8.0.2"] });
  set("in another order", { lo: ["127.0.0.1"], wlan0: ["10.8.0.2", "192.168.1.7"] });
  set("on another interface", { lo: ["127.0.0.1"], wlan0: ["192.168.1.7"], tun0: ["10.8.0.2"] });
  set("one that the loopback interface lends", {
    lo: ["127.0.0.1", "10.9.9.9"],
    wlan0: ["192.168.1.7"],
    tun0: ["10.8.0.2"],
  });
  assert.deepEqual(told, [
    "the network gone",
    "another network",
    "one more",
    "on another interface",
    "one that the loopback interface lends",
  ]);
  assert.deepEqual(played.periods, [5000]);
});

test("A system that does not tell its addresses has not changed them.", () => {
  const played = playedMachine();
  let told = 0;
  played.found = new Error("not permitted");
  onAddressChange(() => told++, new AbortController().signal, 5000, played.machine);
  played.look(5000);
  played.found = interfacesWith({ wlan0: ["10.0.0.5"] });
  played.look(5000);
  played.found = new Error("not permitted");
  played.look(5000);
  assert.equal(told, 0);
  played.found = interfacesWith({ wlan0: ["10.0.0.6"] });
  played.look(5000);
  assert.equal(told, 1);
});

test("Sleep is told once: the time of day went on, the steady clock stood.", () => {
  const played = playedMachine();
  let told = 0;
  onWake(() => told++, new AbortController().signal, 2000, played.machine);
  played.look(2000);
  played.look(2000, { asleepMs: 1900 });
  assert.equal(told, 0, "so little may be the clock that was set");
  played.look(2000, { asleepMs: 60_000 });
  assert.equal(told, 1);
  played.look(2000);
  assert.equal(told, 1);
  played.look(2000, { asleepMs: -60_000 });
  assert.equal(told, 2, "a time of day that was set back");
});

test("Where both clocks go on in sleep, or the process was stopped, a look that comes late tells of it.", () => {
  const played = playedMachine();
  let told = 0;
  onWake(() => told++, new AbortController().signal, 2000, played.machine);
  played.look(11_900);
  assert.equal(told, 0, "so late a busy machine may be");
  played.look(12_100);
  assert.equal(told, 1);
});

test("After the signal nothing is looked at any more, and before it nothing is when it has fired already.", () => {
  const played = playedMachine();
  const stop = new AbortController();
  let told = 0;
  onAddressChange(() => told++, stop.signal, 5000, played.machine);
  onWake(() => told++, stop.signal, 2000, played.machine);
  assert.equal(played.watchers, 2);
  stop.abort();
  assert.equal(played.watchers, 0);
  onAddressChange(() => told++, stop.signal, 5000, played.machine);
  onWake(() => told++, stop.signal, 2000, played.machine);
  assert.deepEqual([played.watchers, told], [0, 0]);
});

test("The timers of this machine look again and again, at what is given to them.", async () => {
  const stop = new AbortController();
  const waiting = new Waiting();
  const told = { wakes: 0, changes: 0 };
  let looks = 0;
  const moving: WatchedMachine = {
    ...thisMachine,
    // Each look sees a minute more of the day, and another address.
    wallMs: () => 60_000 * ++looks,
    interfaces: () => interfacesWith({ wlan0: [`10.0.0.${++looks}`] }),
  };
  const count = (what: keyof typeof told) => () => {
    told[what] += 1;
    waiting.change();
  };
  onWake(count("wakes"), stop.signal, 1, moving);
  onAddressChange(count("changes"), stop.signal, 1, moving);
  await waiting.until("three of each", () => (Math.min(told.wakes, told.changes) >= 3 ? true : undefined));
  stop.abort();
});

test("What this machine says of itself can be read.", () => {
  assert.ok(Math.abs(thisMachine.wallMs() - Date.now()) < 60_000);
  assert.ok(thisMachine.steadyMs() <= performance.now());
  assert.ok(Object.keys(thisMachine.interfaces()).length > 0);
});
