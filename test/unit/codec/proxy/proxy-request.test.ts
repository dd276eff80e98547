import assert from "node:assert/strict";
import { test } from "node:test";
import { askFor, type ProxyAnswers, type ProxyRefusal } from "../../../../src/codec/proxy/proxy-request.ts";

const answers: ProxyAnswers = { accepted: () => new Uint8Array(0), refused: () => new Uint8Array(0) };
const malformed = (reason: string): ProxyRefusal => ({
  kind: "refused",
  reply: new Uint8Array(0),
  reason,
});

for (const [what, host, reason] of [
  ["a NUL", "a\0b", 'host "a\\x00b" contains "\\x00"'],
  ["an escape sequence", "a\x1b[2J", 'host "a\\x1b[2J" contains "\\x1b"'],
  ["nothing", "", "the host is missing"],
  ["an option", "-oProxyCommand=x", 'host "-oProxyCommand=x" begins with "-"'],
  ["a path", "/run/db.sock", 'host "/run/db.sock" contains "/"'],
  ["every address", "*", '"*" is no host to connect to'],
  ["a byte order mark", "\ufeffdb", 'host "\\ufeffdb" contains "\\ufeff"'],
] as const) {
  test(`A host of ${what} is refused.`, () => {
    assert.deepEqual(askFor(Buffer.from(host), 80, 9, answers, malformed), malformed(reason));
    assert.deepEqual(askFor(host, 80, 9, answers, malformed), malformed(reason));
  });
}

test("A name that is not UTF-8 is refused, and one that is stays as it was.", () => {
  assert.deepEqual(askFor(Uint8Array.of(0xfc), 80, 9, answers, malformed), malformed("the host's name is not UTF-8"));
  const asked = askFor(Buffer.from("münchen.example"), 80, 9, answers, malformed);
  assert.deepEqual(asked, { kind: "asked", length: 9, target: { host: "münchen.example", port: 80 }, answers });
});

test("Port 0 is no port to connect to.", () => {
  assert.deepEqual(askFor("db", 0, 9, answers, malformed), malformed('there is no port 0 to connect to on "db"'));
});
