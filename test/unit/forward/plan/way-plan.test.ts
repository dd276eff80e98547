import assert from "node:assert/strict";
import { test } from "node:test";
import { currentUser } from "../../../../src/config/current-user.ts";
import { readRunSettings } from "../../../../src/config/run-settings.ts";
import { PorthopError } from "../../../../src/errors.ts";
import { planWay } from "../../../../src/forward/plan/way-plan.ts";
import type { SessionSettings } from "../../../../src/ssh/session.ts";

const environment = { SHELL: "/bin/sh" };
const base: SessionSettings = {
  host: "10.0.0.9",
  port: 2222,
  user: "anna",
  family: 4,
  connectTimeoutMs: 7000,
  handshakeTimeoutMs: 7000,
  attempts: 1,
  keepAliveIntervalMs: 30_000,
  keepAliveCountMax: 3,
  algorithms: { ciphers: "aes128-ctr", compression: true },
};

function plan(...words: string[]) {
  const trusted: SessionSettings[] = [];
  const settings = readRunSettings([...words, "vishnu"]);
  const trustOf = (jump: SessionSettings) => {
    trusted.push(jump);
    return () => Promise.reject(new Error("nobody is connected to here"));
  };
  return { way: planWay(settings, base, { environment, trustOf }), trusted };
}

function usage(...words: string[]): string {
  try {
    plan(...words);
  } catch (error) {
    assert.ok(error instanceof PorthopError && error.code === "usage", String(error));
    return error.message;
  }
  throw new Error("nothing was wrong");
}

test("Without a word about it there is no way to plan.", () => {
  assert.equal(plan().way, undefined);
  assert.equal(plan("-o", "ProxyJump=none").way, undefined);
});

test("Jump hosts have user, port and algorithms of their own, and keepalives and time-outs of the command line.", () => {
  const { way, trusted } = plan("-J", "bob@one:2201,two");
  const jumps = way?.jumps.map(({ settings }) => settings);
  const shared = { ...base, algorithms: {}, isJump: true };
  assert.deepEqual(jumps, [
    { ...shared, host: "one", port: 2201, user: "bob" },
    { ...shared, host: "two", port: 22, user: currentUser() },
  ]);
  assert.deepEqual(trusted, jumps, "each is trusted by its own name");
  assert.equal(way?.command, undefined);
});

test("The tokens of a ProxyJump are the destination's; an IPv6 zone is none.", () => {
  const { way } = plan("-J", "gate-%n,%r@[fe80::1%eth0]:22");
  assert.deepEqual(
    way?.jumps.map(({ settings }) => [settings.user, settings.host]),
    [
      [currentUser(), "gate-vishnu"],
      ["anna", "fe80::1%eth0"],
    ],
  );
});

test("The tokens of a ProxyCommand are what is dialed, and what the user typed.", () => {
  const { way } = plan("-o", "ProxyCommand=nc %h %p %r %n %k 100%%");
  assert.deepEqual(way, { jumps: [], command: "nc 10.0.0.9 2222 anna vishnu vishnu 100%", environment });
  const alias = plan("-o", "ProxyCommand=nc %k", "-o", "HostKeyAlias=theirs").way;
  assert.equal(alias?.command, "nc theirs");
});

test("Names that a shell would read as more than names reach no command.", () => {
  assert.match(
    usage("-o", "ProxyCommand=nc %k", "-o", "HostKeyAlias=$(id)"),
    /^ProxyCommand: host "\$\(id\)" contains/,
  );
  assert.match(usage("-J", "%n;id"), /contains ";"/);
});

test("A token that there is not is a usage error that names the keyword.", () => {
  assert.match(usage("-o", "ProxyCommand=nc %d"), /^ProxyCommand: .*"%d" means nothing here/);
  assert.match(usage("-J", "gate-%d"), /^ProxyJump: .*"%d" means nothing here/);
});

test("A jump host that is the destination itself is a loop, with the users that ssh takes for the same.", () => {
  for (const words of [
    ["-J", "vishnu"],
    ["-J", "other,vishnu:22"],
    ["-l", "bob", "-J", "vishnu"],
    ["-l", "bob", "-J", "bob@vishnu"],
  ]) {
    assert.match(usage(...words), /^ProxyJump: vishnu:22 is the destination itself$/, words.join(" "));
  }
  for (const words of [
    ["-J", "vishnu,other"],
    ["-J", "vishnu:2222"],
    ["-J", "bob@vishnu"],
  ]) {
    assert.equal(plan(...words).way?.jumps.length, words[1]?.includes(",") === true ? 2 : 1);
  }
});
