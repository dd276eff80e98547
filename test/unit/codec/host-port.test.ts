import assert from "node:assert/strict";
import { test } from "node:test";
import {
  hostFlaw,
  parseHost,
  parsePort,
  parseServerName,
  parseShellName,
  parseTrustedName,
  splitHostPort,
} from "../../../src/codec/host-port.ts";
import { Malformed } from "../../../src/codec/malformed.ts";
import { assertFastOnLongText } from "../../kit/hostile-text.ts";

test("A port is digits from 1 to 65535, and 0 only where it is asked for", () => {
  assert.equal(parsePort("1"), 1);
  assert.equal(parsePort("65535"), 65535);
  assert.equal(parsePort("0080"), 80);
  assert.equal(parsePort("0", 0), 0);
  assert.throws(() => parsePort("0"), new Malformed('"0" is not a port (1 to 65535)'));
});

for (const text of ["65536", "-1", "+80", " 80", "80 ", "0x50", "8e1", "80.0", "٨٠", "99999999999999999999", "80\n"]) {
  test(`${JSON.stringify(text)} is no port`, () => {
    assert.throws(() => parsePort(text, 0), /^Malformed: ".*" is not a port \(0 to 65535\)$/);
  });
}

test("A service's name is refused by saying that it is one", () => {
  assert.throws(
    () => parsePort("http"),
    new Malformed('"http" is a name, not a port: give the service\'s number (1 to 65535)'),
  );
});

test("host:port and [v6]:port are cut in two, and nothing else is", () => {
  assert.deepEqual(splitHostPort("db:5432"), { host: "db", port: "5432" });
  assert.deepEqual(splitHostPort("[::1]:*"), { host: "::1", port: "*" });
  assert.deepEqual(splitHostPort(":"), { host: "", port: "" });
  for (const text of ["", "db", "::1:80", "[::1]", "[::1]80", "a]:1"]) {
    assert.throws(() => splitHostPort(text), new Malformed(`"${text}" is not host:port`));
  }
  assert.throws(() => splitHostPort("[db]:80"), new Malformed('"db" is not an IPv6 address'));
});

test("An empty port is missing", () => {
  assert.throws(() => parsePort(""), new Malformed("the port is missing (1 to 65535)"));
});

for (const host of [
  "db",
  "db.internal",
  "db.internal.",
  "127.0.0.1",
  "::1",
  "fe80::1%eth0",
  "_srv",
  "münchen.example",
  "*",
]) {
  test(`"${host}" is a host`, () => {
    assert.equal(parseHost(host), host);
  });
}

const flaws: readonly (readonly [host: string, flaw: string])[] = [
  ["", "the host is missing"],
  ["-oProxyCommand=x", 'host "-oProxyCommand=x" begins with "-"'],
  ["a b", 'host "a b" contains " "'],
  ["a\0b", 'host "a\\x00b" contains "\\x00"'],
  ["a\u202eb", 'host "a\\u202eb" contains "\\u202e"'],
  ["a;reboot", 'host "a;reboot" contains ";"'],
  ["$(reboot)", 'host "$(reboot)" contains "$"'],
  ["[::1]", 'host "[::1]" contains "["'],
  ["a/b", 'host "a/b" contains "/"'],
  ["a:b", '"a:b" is not an IPv6 address'],
  ["1::2::3", '"1::2::3" is not an IPv6 address'],
];

for (const [host, flaw] of flaws) {
  test(`${JSON.stringify(host)} is no host: ${flaw}`, () => {
    assert.equal(hostFlaw(host), flaw);
    assert.throws(() => parseHost(host), new Malformed(flaw));
  });
}

test("The name of a server need not be one of the network, but must not mean anything to a shell", () => {
  for (const name of ["work/box", "aws:prod:1", "arn:aws:ecs:eu:1:task/x", "my_host", "münchen.", "a%b=c", "*"]) {
    assert.equal(parseServerName(name), name);
  }
  for (const sign of "'`\"$\\;&<>|(){},[]@ \n\x1b") {
    assert.throws(() => parseServerName(`a${sign}b`), /^Malformed: host ".*" contains /, sign);
  }
  assert.throws(() => parseServerName("-oProxyCommand=x"), /begins with "-"/);
  assert.equal(parseShellName("[127.0.0.1]:22"), "[127.0.0.1]:22");
  assert.throws(() => parseShellName("a;b"), Malformed);
});

test("A name that the configuration gives may hold anything that can be seen", () => {
  for (const name of ["a;b", "$(x)", "[::1]", "a,b@c", "work/box"]) assert.equal(parseTrustedName(name), name);
  for (const name of ["", "-x", "a\x1b[2J", "a\u202eb", "a".repeat(1025)]) {
    assert.throws(() => parseTrustedName(name), Malformed, name);
  }
});

test("A host has fewer bytes than NI_MAXHOST", () => {
  assert.equal(hostFlaw("a".repeat(1024)), undefined);
  assert.match(hostFlaw("a".repeat(1025)) ?? "", /is too long$/);
});

test("Endless hosts and ports are refused at once", () => {
  assertFastOnLongText(parseHost, "a", ":", "1:", "%");
  assertFastOnLongText(parsePort, "0", "9", "a", "-");
});
