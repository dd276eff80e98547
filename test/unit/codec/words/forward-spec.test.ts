import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Malformed } from "../../../../src/codec/malformed.ts";
import {
  forwardFlag,
  listenAddress,
  parseForwardSpec,
  printForwardSpec,
  writtenForward,
} from "../../../../src/codec/words/forward-spec.ts";
import { rounds } from "../../../kit/effort.ts";
import { refused, specs, understood } from "../../../kit/forward-texts.ts";
import { assertFastOnLongText, hostileText, readOrRefused } from "../../../kit/hostile-text.ts";

const flags = ["L", "R", "D", "W"] as const;

for (const [flag, text, spec, printed] of understood) {
  test(`-${flag} ${text} is understood, printed and understood again`, () => {
    assert.deepEqual(parseForwardSpec(flag, text), spec);
    assert.equal(printForwardSpec(spec), printed ?? text);
    assert.deepEqual(parseForwardSpec(forwardFlag(spec.kind), printForwardSpec(spec)), spec);
  });
}

for (const [flag, text, reason] of refused) {
  test(`-${flag} ${JSON.stringify(text.slice(0, 40))} is refused: ${reason}`, () => {
    assert.throws(
      () => parseForwardSpec(flag, text),
      (error) =>
        error instanceof Malformed && error.message.startsWith(`-${flag} `) && error.message.endsWith(`: ${reason}`),
    );
  });
}

test("A path may have 107 bytes and no more", () => {
  const path = `/${"ä".repeat(53)}`;
  assert.deepEqual(parseForwardSpec("W", path).connect, { path });
  assert.throws(() => parseForwardSpec("W", `${path}x`), Malformed);
});

test("Without a bind address a forward listens on this machine only, and with -g on all interfaces", () => {
  const local = parseForwardSpec("L", "8080:web:80");
  assert.deepEqual(listenAddress(local), { host: "localhost", port: 8080 });
  assert.deepEqual(listenAddress(local, true), { host: "*", port: 8080 });
  assert.deepEqual(listenAddress(parseForwardSpec("D", "1080"), true), { host: "*", port: 1080 });
});

test("-g does not open a listener on the server", () => {
  assert.deepEqual(listenAddress(parseForwardSpec("R", "8080:web:80"), true), { host: "localhost", port: 8080 });
  assert.deepEqual(listenAddress(parseForwardSpec("R", "1080"), true), { host: "localhost", port: 1080 });
});

test("An empty bind address and a star mean all interfaces, and any other stays as it is", () => {
  assert.deepEqual(listenAddress(parseForwardSpec("L", ":8080:web:80")), { host: "*", port: 8080 });
  assert.deepEqual(listenAddress(parseForwardSpec("R", "*:8080:web:80")), { host: "*", port: 8080 });
  assert.deepEqual(listenAddress(parseForwardSpec("D", "[::1]:1080"), true), { host: "::1", port: 1080 });
  assert.deepEqual(listenAddress(parseForwardSpec("L", "/a.sock:web:80"), true), { path: "/a.sock" });
  assert.equal(listenAddress(parseForwardSpec("W", "web:80")), undefined);
});

test("Every forward that is printed is parsed back to itself", () => {
  fc.assert(
    fc.property(specs, (spec) => {
      assert.deepEqual(parseForwardSpec(forwardFlag(spec.kind), printForwardSpec(spec)), spec);
    }),
    { numRuns: rounds(2000) },
  );
});

test("Random text is refused, or is a forward that survives being printed", () => {
  const pieces = hostileText(":", "/", "\\", "[", "]", "80", "0", "::1", "web", "*", "-", " ", "65536");
  fc.assert(
    fc.property(fc.constantFrom(...flags), pieces, (flag, text) => {
      const spec = readOrRefused(() => parseForwardSpec(flag, text));
      if (spec === undefined) return;
      assert.equal(forwardFlag(spec.kind), flag);
      assert.deepEqual(parseForwardSpec(flag, printForwardSpec(spec)), spec);
    }),
    { numRuns: rounds(5000) },
  );
});

test("Endless text is refused at once", () => {
  for (const flag of flags) {
    assertFastOnLongText((text) => parseForwardSpec(flag, text), ":", "/", "\\", "[", "80:", "1/", "a", " ");
  }
});

test("A variable is filled in before anything is read, and the text as it was written is kept for others", () => {
  const variable = `$${"{VAR}"}`;
  const read = (text: string, value: string) => parseForwardSpec("L", text, (given) => given.replace(variable, value));
  const socket = read(`${variable}/x.sock:localhost:80`, "/run");
  assert.equal(printForwardSpec(socket), "/run/x.sock:localhost:80");
  assert.equal(writtenForward(socket), `${variable}/x.sock:localhost:80`);
  assert.equal(read("1:a:1", "/run").written, undefined);
  assert.equal(writtenForward(read("1:a:1", "/run")), "1:a:1");
  assert.throws(
    () => read(`${variable}:localhost:http`, "hidden/in:80"),
    (error) => error instanceof Malformed && error.message.startsWith(`-L ${variable}:localhost:http: `),
  );
});
