import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Malformed } from "../../../../src/codec/malformed.ts";
import {
  type Destination,
  parseDestination,
  parseUser,
  printDestination,
} from "../../../../src/codec/words/destination.ts";
import { assertFastOnLongText, hostileText, readOrRefused } from "../../../kit/hostile-text.ts";
import { need } from "../../../kit/packages.ts";
import { run } from "../../../kit/run.ts";

const noSsh = need("ssh");

function to(host: string, user?: string, port?: number): Destination {
  return { user, host, port };
}

/** Text, its value, and the text it is printed as where that differs. */
const understood: readonly (readonly [text: string, destination: Destination, printed?: string])[] = [
  ["vishnu", to("vishnu")],
  ["me@vishnu", to("vishnu", "me")],
  ["vishnu:2222", to("vishnu", undefined, 2222)],
  ["me@vishnu:2222", to("vishnu", "me", 2222)],
  ["me@corp.example@vishnu", to("vishnu", "me@corp.example")],
  ["me@corp@vishnu:22", to("vishnu", "me@corp", 22)],
  ["group:me@vishnu", to("vishnu", "group:me")],
  ["CORP\\me@vishnu", to("vishnu", "CORP\\me")],
  ["john doe@vishnu", to("vishnu", "john doe")],
  ["007@vishnu", to("vishnu", "007")],
  ["::1", to("::1")],
  ["me@2001:db8::1", to("2001:db8::1", "me")],
  ["fe80::1%eth0", to("fe80::1%eth0")],
  ["::", to("::")],
  ["[::1]", to("::1"), "::1"],
  ["[::1]:22", to("::1", undefined, 22)],
  ["me@[fe80::1%eth0]:22", to("fe80::1%eth0", "me", 22)],
  ["[vishnu]:22", to("vishnu", undefined, 22), "vishnu:22"],
  ["ssh://vishnu", to("vishnu"), "vishnu"],
  ["ssh://vishnu/", to("vishnu"), "vishnu"],
  ["ssh://vishnu:", to("vishnu"), "vishnu"],
  ["ssh://me@vishnu:2222", to("vishnu", "me", 2222), "me@vishnu:2222"],
  ["ssh://me@vishnu:2222/", to("vishnu", "me", 2222), "me@vishnu:2222"],
  ["ssh://me%40corp@vishnu", to("vishnu", "me@corp"), "me@corp@vishnu"],
  ["ssh://me@corp@vishnu", to("vishnu", "me@corp"), "me@corp@vishnu"],
  ["ssh://john+doe@vishnu", to("vishnu", "john doe"), "john doe@vishnu"],
  ["ssh://[::1]:22", to("::1", undefined, 22), "[::1]:22"],
  ["ssh", to("ssh")],
];

for (const [text, destination, printed] of understood) {
  test(`"${text}" is understood, printed and understood again`, () => {
    assert.deepEqual(parseDestination(text), destination);
    assert.equal(printDestination(destination), printed ?? text);
    assert.deepEqual(parseDestination(printDestination(destination)), destination);
  });
}

const refused: readonly (readonly [text: string, reason: string])[] = [
  ["", "the host is missing"],
  ["@vishnu", "the user is missing"],
  ["me@", "the host is missing"],
  [":22", "the host is missing"],
  ["vishnu:", 'nothing follows the ":"'],
  ["vishnu:ssh", '"ssh" is a name, not a port: give the service\'s number (1 to 65535)'],
  ["vishnu:0", '"0" is not a port (1 to 65535)'],
  ["vishnu:22:23", '"vishnu:22:23" is not an IPv6 address'],
  ["[::1", '"[::1" lacks its "]"'],
  ["[::1]22", '"22" after the "]" is not :port'],
  ["-oProxyCommand=reboot", 'host "-oProxyCommand=reboot" begins with "-"'],
  ["me@-vishnu", 'host "-vishnu" begins with "-"'],
  ["-me@vishnu", 'user "-me" begins with "-"'],
  ["me -oX@vishnu", 'user "me -oX" contains " "'],
  ["vish nu", 'host "vish nu" contains " "'],
  ["vish\tnu", 'host "vish\\tnu" contains "\\t"'],
  ["vish\u202enu", 'host "vish\\u202enu" contains "\\u202e"'],
  ["vishnu;reboot", 'host "vishnu;reboot" contains ";"'],
  ["`reboot`@vishnu", 'user "`reboot`" contains "`"'],
  ["$USER@vishnu", 'user "$USER" contains "$"'],
  ["me\\@vishnu", 'user "me\\" contains "\\"'],
  ["me\n@vishnu", 'user "me\\n" contains "\\n"'],
  ["a,b", 'host "a,b" contains ","'],
  ["vishnu/22", 'host "vishnu/22" contains "/"'],
  ["SSH://vishnu", "of URIs only ssh:// is a destination"],
  ["http://vishnu:80", "of URIs only ssh:// is a destination"],
  ["ssh://", "the host is missing"],
  ["ssh://vishnu/etc", "a path after the host means nothing here"],
  ["ssh://::1", "an IPv6 address in a URI goes in brackets: ssh://[::1]:22"],
  ["ssh://me;fingerprint=x@vishnu", 'connection parameters (after ";") are not supported'],
  ["ssh://100%@vishnu", 'user "100%" is not percent-encoded text'],
  ["ssh://a%00b@vishnu", 'user "a\\x00b" contains "\\x00"'],
  ["ssh://ssh%3A%2F%2Fx@vishnu", 'user "ssh://x" begins like a URI'],
];

for (const [text, reason] of refused) {
  test(`${JSON.stringify(text)} is refused: ${reason}`, () => {
    assert.throws(
      () => parseDestination(text),
      (error) =>
        error instanceof Malformed && error.message.startsWith("destination ") && error.message.endsWith(`: ${reason}`),
    );
  });
}

test("A password in a URI is refused and does not get into the message", () => {
  assert.throws(
    () => parseDestination("ssh://me:hunter2@with@vishnu:22"),
    new Malformed("destination ssh://me:***@vishnu:22: a password is not taken from a destination"),
  );
});

test("A user of -l is what a user of a destination is", () => {
  assert.equal(parseUser("007"), "007");
  assert.throws(() => parseUser("-x"), new Malformed('user "-x" begins with "-"'));
});

const destinations = fc.record(
  {
    user: fc.option(fc.string({ unit: "binary", minLength: 1 }).filter(isUser), { nil: undefined }),
    host: fc.constantFrom("vishnu", "db.internal", "10.0.0.1", "::1", "::", "fe80::1%eth0", "x_1", "*"),
    port: fc.option(fc.integer({ min: 1, max: 65535 }), { nil: undefined }),
  },
  { noNullPrototype: true },
);

function isUser(text: string): boolean {
  return readOrRefused(() => parseUser(text)) !== undefined;
}

test("Every destination that is printed is parsed back to itself", () => {
  fc.assert(
    fc.property(destinations, (destination) => {
      assert.deepEqual(parseDestination(printDestination(destination)), destination);
    }),
    { numRuns: 1000 },
  );
});

test("Random text is refused, or is a destination that survives being printed", () => {
  const text = hostileText("@", ":", "[", "]", "ssh://", "::1", "22", "host", "%41", "%", "-", " ", "\\", "/");
  fc.assert(
    fc.property(text, (text) => {
      const destination = readOrRefused(() => parseDestination(text));
      if (destination === undefined) return;
      assert.deepEqual(parseDestination(printDestination(destination)), destination);
    }),
    { numRuns: 5000 },
  );
});

test("Endless text is refused at once", () => {
  assertFastOnLongText(parseDestination, "@", ":", "[", "1:", "a", "%41", " ");
  assertFastOnLongText((text) => parseDestination(`ssh://${text}`), "@", ":", "%41", "+", "/", ":@");
});

async function whatSshUnderstands(text: string): Promise<Record<"user" | "hostname" | "port", string | undefined>> {
  const { stdout } = await run("ssh", ["-G", "-F", "none", "--", text]);
  const setting = (name: string) => new RegExp(`^${name} (.*)$`, "m").exec(stdout)?.[1];
  return { user: setting("user"), hostname: setting("hostname"), port: setting("port") };
}

/** Plain ssh takes a port or brackets only in ssh://, and there no IPv6 address and no second @. */
const onlyOurs = /^(?!ssh:).*\[|^(?!ssh:)[^:]*:\d+$|^(?!ssh:).*@[^:]*:\d+$|^ssh:.*(?:@.*@|\[)/;

for (const [text, { user, host, port }] of understood) {
  // OpenSSH 10.6 and later refuse a backslash.
  if (onlyOurs.test(text) || text.includes("\\")) continue;
  test(`ssh understands "${text}" as we do`, { skip: noSsh }, async () => {
    const ssh = await whatSshUnderstands(text);
    assert.deepEqual([ssh.hostname, ssh.port], [host, String(port ?? 22)]);
    if (user !== undefined) assert.equal(ssh.user, user);
  });
}

test("ssh takes every user and host that we take", { skip: noSsh }, async () => {
  // A user with % or a backslash may be expanded, or refused, depending on the version.
  const simple = destinations.filter(({ user }) => user !== undefined && !/[%\\]/.test(user));
  for (const { user, host } of fc.sample(simple, 40)) {
    const ssh = await whatSshUnderstands(printDestination(to(host, user)));
    assert.deepEqual([ssh.user, ssh.hostname], [user, host]);
  }
});

for (const text of [
  "-oProxyCommand=reboot",
  "-me@vishnu",
  "me -oX@vishnu",
  "vish nu",
  "vishnu;reboot",
  "`reboot`@vishnu",
  // Not "a,b": it would be two jump hosts in a list of them, but OpenSSH takes it until Debian's 9.2p1-2+deb12u10.
]) {
  test(`ssh refuses "${text}" too`, { skip: noSsh }, async () => {
    assert.equal((await whatSshUnderstands(text)).hostname, undefined);
  });
}
