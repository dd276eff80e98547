import assert from "node:assert/strict";
import { test } from "node:test";
import { Malformed } from "../../../../src/codec/malformed.ts";
import { parseForwardSpec, printForwardSpec } from "../../../../src/codec/words/forward-spec.ts";
import { checkForward, fillPaths, parseConfigForward } from "../../../../src/config/file/config-forward.ts";

for (const [keyword, value, flag, spec] of [
  ["LocalForward", "8080 localhost:80", "L", "8080:localhost:80"],
  ["LocalForward", "[::1]:8080 [fd00::7]:80", "L", "[::1]:8080:[fd00::7]:80"],
  ["LocalForward", "'/a b.sock' /c.sock", "L", "/a b.sock:/c.sock"],
  ["RemoteForward", "0 db:5432", "R", "0:db:5432"],
  ["RemoteForward", "1080", "R", "1080"],
  ["RemoteForward", "localhost:1080", "R", "localhost:1080"],
  ["RemoteForward", "1080:/a.sock", "R", "1080:/a.sock"],
  ["DynamicForward", "127.0.0.1:1080", "D", "127.0.0.1:1080"],
] as const) {
  test(`${keyword} ${value} is -${flag} ${spec}.`, () => {
    assert.deepEqual(parseConfigForward(keyword, value), parseForwardSpec(flag, spec));
    checkForward(keyword, value);
  });
}

for (const [keyword, value, message] of [
  ["LocalForward", "8080", 'LocalForward: "8080" is not of the form 8080 localhost:80'],
  ["LocalForward", "", 'LocalForward: "" is not of the form 8080 localhost:80'],
  ["LocalForward", "1 a:2 b:3", 'LocalForward: "1 a:2 b:3" is not of the form 8080 localhost:80'],
  ["RemoteForward", "localhost 1080", 'RemoteForward: "localhost 1080" is not of the form 8080 localhost:80'],
  ["RemoteForward", "8080:a:80", 'RemoteForward: "8080:a:80" is not of the form 8080 localhost:80'],
  ["DynamicForward", "1080 a:1", 'DynamicForward: "1080 a:1" is not of the form 1080'],
  [
    "LocalForward",
    "8080 db:x-",
    'LocalForward 8080:db:x-: "x-" is no port (1 to 65535), and no service that this machine knows',
  ],
] as const) {
  test(`${keyword} ${value} is refused.`, () => {
    assert.throws(() => checkForward(keyword, value), new Malformed(message));
    assert.throws(() => parseConfigForward(keyword, value), new Malformed(message));
  });
}

test("What hangs on a variable is looked at when that is filled in.", () => {
  const text = `8080 $${"{SOCKET}"}`;
  checkForward("LocalForward", text);
  const fill = (given: string) => given.replace(/\$\{SOCKET\}/, "/run/x.sock");
  assert.equal(printForwardSpec(parseConfigForward("LocalForward", text, fill)), "8080:/run/x.sock");
  assert.throws(() => parseConfigForward("LocalForward", text, (given) => given.replace(/\$.*/, "nothing")), Malformed);
});

test("Only the paths of a forward are filled.", () => {
  const fill = (path: string) => `${path}!`;
  const filled = (flag: "L" | "R" | "D" | "W", text: string) =>
    printForwardSpec(fillPaths(parseForwardSpec(flag, text), fill));
  assert.equal(filled("L", "/a:/b"), "/a!:/b!");
  assert.equal(filled("L", "80:a:1"), "80:a:1");
  assert.equal(filled("R", "/a:b:1"), "/a!:b:1");
  assert.equal(filled("D", "1080"), "1080");
  assert.equal(filled("W", "a:1"), "a:1");
});
