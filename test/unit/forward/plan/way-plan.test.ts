import assert from "node:assert/strict";
import { test } from "node:test";
import type { Destination } from "../../../../src/codec/words/destination.ts";
import { readRunSettings } from "../../../../src/config/run-settings.ts";
import { PorthopError } from "../../../../src/errors.ts";
import { type ConfiguredHop, planWay } from "../../../../src/forward/plan/way-plan.ts";
import type { Way } from "../../../../src/forward/tunnel.ts";
import type { SessionSettings } from "../../../../src/ssh/session.ts";
import { memoryConfig } from "../../../kit/memory-config.ts";

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

const userFile = "/home/anna/.ssh/config";

/** With the text of a configuration file first. */
function planIn(config: string, ...words: string[]) {
  const settings = readRunSettings([...words, "vishnu"], memoryConfig({ [userFile]: config }));
  const hopOf = (jump: Destination): ConfiguredHop => {
    const own = settings.hopSettings?.(jump);
    if (own === undefined) throw new Error("no configuration was read");
    const { host, port = 22, user = "nobody" } = own.destination;
    return { own, settings: { ...base, host, port, user }, trust: noTrust };
  };
  return planWay(settings, base, { environment, hopOf });
}

const plan = (...words: string[]) => planIn("", ...words);

const noTrust = () => Promise.reject(new Error("nobody is connected to here"));

/** user@host:port of each jump host. */
const places = (way: Way | undefined) =>
  way?.jumps.map(({ settings: { user, host, port } }) => `${user}@${host}:${port}`);

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
  assert.equal(plan(), undefined);
  assert.equal(plan("-o", "ProxyJump=none"), undefined);
});

test("Jump hosts are passed in their order, each with what the configuration says of it by its own name.", () => {
  const way = planIn("Host two\n  User carl\n  Port 2202\n", "-J", "bob@one:2201,two");
  assert.deepEqual(places(way), ["bob@one:2201", "carl@two:2202"]);
  assert.equal(way?.command, undefined);
  assert.deepEqual(Object.keys(way?.jumps[0] ?? {}), ["settings", "trust"], "a hop as a session takes it, and no more");
});

test("What the first jump host itself jumps over comes before it; what the others do is ssh's -J and none of theirs.", () => {
  const config = "Host one\n  ProxyJump zero\nHost two\n  ProxyJump never\n";
  assert.deepEqual(places(planIn(config, "-J", "one,two")), ["nobody@zero:22", "nobody@one:22", "nobody@two:22"]);
  const { jumps, command } = planIn("Host one\n  ProxyCommand nc %h %p\n", "-J", "one") ?? {};
  assert.deepEqual([jumps?.length, command], [1, "nc one 22"]);
});

test("Hosts that jump over each other are a loop, told with file and line.", () => {
  assert.throws(
    () => planIn("Host one\n  ProxyJump two\nHost two\n  ProxyJump one\n", "-J", "one"),
    (error) =>
      error instanceof PorthopError &&
      error.code === "config.invalid" &&
      error.message === `${userFile} line 4: ProxyJump: one by way of two by way of one is a loop`,
  );
});

test("The tokens of a ProxyJump are the destination's; an IPv6 zone is none.", () => {
  const way = plan("-J", "gate-%n,%r@[fe80::1%eth0]:22");
  assert.deepEqual(places(way), ["nobody@gate-vishnu:22", "anna@fe80::1%eth0:22"]);
});

test("The tokens of a ProxyCommand are what is dialed, and what the user typed.", () => {
  const way = plan("-o", "ProxyCommand=nc %h %p %r %n %k 100%%");
  assert.deepEqual(way, { jumps: [], command: "nc 10.0.0.9 2222 anna vishnu vishnu 100%", environment });
  const alias = plan("-o", "ProxyCommand=nc %k", "-o", "HostKeyAlias=theirs");
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
    assert.equal(plan(...words)?.jumps.length, words[1]?.includes(",") === true ? 2 : 1);
  }
});
