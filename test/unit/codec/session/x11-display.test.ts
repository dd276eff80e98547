import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Address } from "../../../../src/codec/address.ts";
import { Malformed } from "../../../../src/codec/malformed.ts";
import { parseDisplay } from "../../../../src/codec/session/x11-display.ts";
import { rounds } from "../../../kit/effort.ts";

const local = (number: number): Address[] => [
  { path: `/tmp/.X11-unix/X${number}` },
  { path: `\0/tmp/.X11-unix/X${number}` },
];

/** DISPLAY, where that is, its screen, and what xauth calls it where that differs. */
const understood: readonly (readonly [display: string, addresses: Address[], screen: number, xauthName?: string])[] = [
  [":0", local(0), 0],
  [":0.0", local(0), 0],
  [":12.3", local(12), 3],
  ["unix:1", local(1), 0],
  ["unix:1.2", local(1), 2],
  ["localhost:10.0", [{ host: "localhost", port: 6010 }], 0, "unix:10.0"],
  ["vishnu.example:0.1", [{ host: "vishnu.example", port: 6000 }], 1],
  ["192.0.2.1:59535", [{ host: "192.0.2.1", port: 65_535 }], 0],
  ["::1:0", [{ host: "::1", port: 6000 }], 0],
  ["/private/tmp/launch/org.xquartz:0", [{ path: "/private/tmp/launch/org.xquartz:0" }], 0],
  ["/private/tmp/launch/org.xquartz:0.1", [{ path: "/private/tmp/launch/org.xquartz:0" }], 1],
  ["/tmp/socket", [{ path: "/tmp/socket" }], 0],
];

for (const [display, addresses, screen, xauthName = display] of understood) {
  test(`DISPLAY=${display} is understood.`, () => {
    assert.deepEqual(parseDisplay(display), { addresses, screen, xauthName });
  });
}

for (const display of [
  "",
  "0",
  "vishnu",
  ":",
  ":x",
  ":0.",
  ":0.x",
  ":123456",
  "vishnu:59536",
  "a/b:0",
  "-f:0",
  ":0;id",
]) {
  test(`DISPLAY=${display} is refused.`, () => {
    assert.throws(() => parseDisplay(display), Malformed);
  });
}

test("Whatever DISPLAY holds, what is understood cannot be a flag of xauth's, nor more than one word.", () => {
  const text = fc.oneof(fc.string(), fc.stringMatching(/^[-a-z/:. $;]{0,12}$/));
  fc.assert(
    fc.property(text, (display) => {
      try {
        assert.match(parseDisplay(display).xauthName, /^[A-Za-z0-9:/._][A-Za-z0-9:/._-]*$/);
      } catch (error) {
        assert.ok(error instanceof Malformed);
      }
    }),
    { numRuns: rounds(2000) },
  );
});

test("Each display has a socket and a port of its own.", () => {
  fc.assert(
    fc.property(fc.nat(59_535), fc.nat(99), (number, screen) => {
      assert.deepEqual(parseDisplay(`:${number}.${screen}`).addresses, local(number));
      assert.deepEqual(parseDisplay(`host:${number}.${screen}`), {
        addresses: [{ host: "host", port: 6000 + number }],
        screen,
        xauthName: `host:${number}.${screen}`,
      });
    }),
  );
});
