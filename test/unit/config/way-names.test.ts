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

test("HostKeyAlias may be what known_hosts has: it is a word for the command only, and nothing for a jump host.", () => {
  const alias = ["-o", "HostKeyAlias=[127.0.0.1]:2222"];
  assert.equal(way("-o", "ProxyCommand=nc %k", ...alias).proxyCommand, "nc [127.0.0.1]:2222");
  assert.equal(way("-J", "gate", ...alias).jumps.length, 1);
});

test("A HostName that means something to a shell is refused in a command where it was typed, not where a file has it.", () => {
  const odd = { ...reached, host: "a;b" };
  const command = ["-o", "ProxyCommand=nc %h"];
  assert.throws(() => namedWay(wordsOf(...command, "-o", "HostName=a;b"), odd), /host "a;b" contains ";"/);
  const files = memoryConfig({ "/home/anna/.ssh/config": "HostName a;b\n" });
  assert.equal(namedWay(readRunSettings([...command, "vishnu"], files), odd).proxyCommand, "nc a;b");
});

test("A user of a file that means something to a shell is refused only where a shell would read it.", () => {
  const odd = { ...reached, user: "a;b" };
  assert.equal(namedWay(wordsOf("-o", "ProxyCommand=nc %h"), odd).proxyCommand, "nc 10.0.0.9");
  assert.throws(() => namedWay(wordsOf("-o", "ProxyCommand=nc %r"), odd), /user "a;b" contains ";"/);
});

test("Jump hosts may have the names that Hosts have.", () => {
  const { jumps } = way("-J", "work/box,[aws:%n:1]:22,[fe80::1%%eth0]");
  assert.deepEqual(
    jumps.map(({ host }) => host),
    ["work/box", "aws:vishnu:1", "fe80::1%eth0"],
  );
});

for (const [words, told] of [
  [["-o", "ProxyCommand=nc %k", "-o", "HostKeyAlias=$(id)"], /^host "\$\(id\)" contains/],
  [["-o", "ProxyCommand=nc %k", "-o", "HostKeyAlias=-x"], /^host "-x" begins with "-"/],
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
