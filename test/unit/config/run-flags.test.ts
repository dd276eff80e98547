import assert from "node:assert/strict";
import { test } from "node:test";
import { checkFlags, porthopFlags, relayFlags, runTable, sshFlags } from "../../../src/config/run-flags.ts";

/** The argument of getopt in ssh.c (main, OpenSSH 9.x and 10.x); a colon follows what takes a value. */
const getopt = "1246ab:c:e:fgi:kl:m:no:p:qstvxAB:CD:E:F:GI:J:KL:MNO:P:Q:R:S:TVw:W:XYy";

const ofSsh = new Map(
  [...getopt.matchAll(/(\w)(:?)/g)].map(([, letter = "", colon]) => [letter, colon === ":" ? "value" : "nothing"]),
);

for (const [letter, takes] of ofSsh) {
  test(`ssh's -${letter} is known here, and takes ${takes === "value" ? "a value" : "none"}`, () => {
    assert.equal(runTable.short[letter], takes);
  });
}

test("No letter but -h is porthop's alone: what works here works with ssh", () => {
  const others = Object.keys(runTable.short).filter((letter) => !ofSsh.has(letter));
  assert.deepEqual(others, ["h"]);
});

test("Each of porthop's own flags is in the table once, with what it takes", () => {
  assert.deepEqual(
    Object.keys(runTable.long),
    porthopFlags.map(({ name }) => name),
  );
  for (const { name, value } of porthopFlags) {
    assert.match(name, /^[a-z]+(-[a-z]+)*$/);
    assert.equal(runTable.long[name], value === undefined ? "nothing" : "value", name);
  }
});

test("Each flag has a line about it that fits into the help", () => {
  for (const { name, about } of [...sshFlags, ...porthopFlags]) {
    assert.match(about, /^\S.*[^.\s]$/, name);
    assert.ok(about.length <= 90, `${name}: ${about.length} characters`);
  }
});

test("A relay takes those of run's flags that need no session.", () => {
  const names = (flags: readonly { name: string }[]) => flags.map(({ name }) => name);
  assert.deepEqual(names(relayFlags.short).sort(), ["4", "6", "E", "L", "f", "g", "h", "o", "q", "v"]);
  for (const name of ["allow-from", "capture", "rate-limit", "use", "log", "json", "grace"]) {
    assert.ok(names(relayFlags.long).includes(name), name);
  }
  const { about } = relayFlags.short.find(({ name }) => name === "L") ?? {};
  assert.equal(about, "forward a port here to host:hostport");
});

test("The help of a relay speaks of no server, of no ssh and of two connections.", () => {
  for (const { name, about, value = "" } of [...relayFlags.short, ...relayFlags.long]) {
    assert.doesNotMatch(`${value} ${about}`, /three|server|ssh2|session|1,2,3/, name);
  }
  const { about } = relayFlags.long.find(({ name }) => name === "capture") ?? {};
  assert.equal(about, "write both TCP connections to a .pcapng or .pcap file, - for stdout");
});

test("The help of check leaves out the flags that change nothing there.", () => {
  const shown = new Set(checkFlags.map(({ name }) => name));
  const left = porthopFlags.map(({ name }) => name).filter((name) => !shown.has(name));
  assert.deepEqual(left, ["reconnect", "hold", "sessions", "fallback", "check-target"]);
  for (const name of left) assert.ok(name in runTable.long, `${name} is still taken`);
});
