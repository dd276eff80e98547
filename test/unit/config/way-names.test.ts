import assert from "node:assert/strict";
import { test } from "node:test";
import { Malformed } from "../../../src/codec/malformed.ts";
import { readRunSettings } from "../../../src/config/run-settings.ts";
import { namedWay, wayFailure } from "../../../src/config/way-names.ts";
import { memoryConfig } from "../../kit/memory-config.ts";

const reached = { host: "10.0.0.9", port: 2222, user: "anna" };
const wordsOf = (...words: string[]) => readRunSettings([...words, "vishnu"]);
const way = (...words: string[]) => namedWay(wordsOf(...words), reached);

test("The tokens of a ProxyJump are the destination's; an IPv6 zone is none.", () => {
  assert.deepEqual(way("-J", "gate-%n,%r@[fe80::1%eth0]:22"), {
    jumps: [
      { user: undefined, host: "gate-vishnu", port: undefined },
      { user: "anna", host: "fe80::1%eth0", port: 22 },
    ],
    proxyCommand: undefined,
  });
});

test("The tokens of a ProxyCommand are what is dialed, and what the user typed.", () => {
  assert.deepEqual(way("-o", "ProxyCommand=nc %h %p %r %n %k 100%%"), {
    jumps: [],
    proxyCommand: "nc 10.0.0.9 2222 anna vishnu vishnu 100%",
  });
  assert.equal(way("-o", "ProxyCommand=nc %k", "-o", "HostKeyAlias=theirs").proxyCommand, "nc theirs");
});

for (const [words, told] of [
  [["-o", "ProxyCommand=nc %k", "-o", "HostKeyAlias=$(id)"], /^host "\$\(id\)" contains/],
  [["-J", "gate-%d"], /"%d" means nothing here/],
  [["-J", "other,vishnu:22"], /^vishnu:22 is the destination itself$/],
  [["-l", "bob", "-J", "vishnu"], /^vishnu:22 is the destination itself$/],
] as const) {
  test(`${words.join(" ")} is refused.`, () => {
    assert.throws(
      () => way(...words),
      (error) => error instanceof Malformed && told.test(error.message),
    );
  });
}

test("A jump host with the destination's name and another port or user is none of it.", () => {
  assert.equal(way("-J", "vishnu:2222").jumps.length, 1);
  assert.equal(way("-J", "bob@vishnu").jumps.length, 1);
});

test("What is wrong is usage where it was typed, and names the line where a file says it.", () => {
  const flaw = new Malformed("wrong");
  const typed = wayFailure(wordsOf("-J", "one"), false, flaw);
  assert.deepEqual([typed.code, typed.message, typed.cause], ["usage", "ProxyJump: wrong", flaw]);
  const files = memoryConfig({ "/home/anna/.ssh/config": "ProxyCommand nc %h\n" });
  const written = wayFailure(readRunSettings(["vishnu"], files), false, flaw);
  assert.equal(written.code, "config.invalid");
  assert.match(written.message, /config.*1: ProxyCommand: wrong$/);
  assert.equal(wayFailure(wordsOf("-J", "one"), true, flaw).code, "config.invalid");
});
