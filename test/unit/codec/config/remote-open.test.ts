import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseRemoteOpen } from "../../../../src/codec/config/remote-open.ts";
import { Malformed } from "../../../../src/codec/malformed.ts";

for (const [words, permitted, others] of [
  ["any", ["db:1", "::1:22"], []],
  ["none", [], ["db:1", "none:1"]],
  ["db:5432", ["db:5432", "DB:5432"], ["db:5433", "db.internal:5432", "127.0.0.1:5432"]],
  ["*:80", ["a:80", "::1:80"], ["a:81"]],
  ["db:*", ["db:1", "db:65535"], ["other:1"]],
  ["*:*", ["a:1"], []],
  ["[::1]:22", ["::1:22", "0:0:0:0:0:0:0:1:22"], ["::2:22", "127.0.0.1:22"]],
  ["127.0.0.1:22", ["127.0.0.1:22"], ["localhost:22", "127.0.0.2:22"]],
  ["a:1 b:2", ["a:1", "b:2"], ["a:2", "b:1"]],
] as const) {
  test(`PermitRemoteOpen ${words} permits what it says and nothing else.`, () => {
    const rules = parseRemoteOpen(words.split(" "));
    for (const target of permitted) assert.equal(rules.permits(split(target)), true, target);
    for (const target of others) assert.equal(rules.permits(split(target)), false, target);
  });
}

for (const [words, message] of [
  [[], "PermitRemoteOpen has no value"],
  [["db"], 'PermitRemoteOpen db: "db" is not host:port'],
  [["db:0"], 'PermitRemoteOpen db:0: "0" is not a port (1 to 65535)'],
  [["db:"], "PermitRemoteOpen db:: the port is missing (1 to 65535)"],
  [[":1"], "PermitRemoteOpen :1: the host is missing"],
  [["::1:22"], 'PermitRemoteOpen ::1:22: "::1:22" is not host:port'],
  [["[db]:22"], 'PermitRemoteOpen [db]:22: "db" is not an IPv6 address'],
  [["a:1", "any"], 'PermitRemoteOpen any: "any" is not host:port'],
] as const) {
  test(`PermitRemoteOpen ${JSON.stringify(words)} is refused.`, () => {
    assert.throws(() => parseRemoteOpen(words), new Malformed(message));
  });
}

test("Random words are permissions or are refused as malformed.", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 30 })), (words) => {
      try {
        parseRemoteOpen(words).permits({ host: "a", port: 1 });
      } catch (error) {
        assert.ok(error instanceof Malformed);
      }
    }),
  );
});

function split(target: string): { host: string; port: number } {
  const colon = target.lastIndexOf(":");
  return { host: target.slice(0, colon), port: Number(target.slice(colon + 1)) };
}
