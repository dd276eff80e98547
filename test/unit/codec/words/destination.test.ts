import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Malformed } from "../../../../src/codec/malformed.ts";
import { parseDestination, parseUser, printDestination } from "../../../../src/codec/words/destination.ts";
import { destinations, understood } from "../../../kit/destination-texts.ts";
import { rounds } from "../../../kit/effort.ts";
import { assertFastOnLongText, hostileText, readOrRefused } from "../../../kit/hostile-text.ts";

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
  ["a[b", 'host "a[b" contains "["'],
  ["ssh://vishnu:SSH", '"SSH" is no port (1 to 65535), and no service that this machine knows'],
  ["vishnu:0x50", '"0x50" is not a port (1 to 65535)'],
  ["vishnu:-1", '"-1" is not a port (1 to 65535)'],
  ["vishnu:0", '"0" is not a port (1 to 65535)'],
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

test("A name with a colon and digits is a host and a port, unless it is known as the name of a host", () => {
  const known = (text: string) => parseDestination(text, (name) => name === "aws:22");
  assert.deepEqual(known("me@aws:22"), { user: "me", host: "aws:22", port: undefined });
  assert.deepEqual(known("aws:23"), { user: undefined, host: "aws", port: 23 });
  assert.deepEqual(parseDestination("aws:22"), { user: undefined, host: "aws", port: 22 });
});

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

test("Every destination that is printed is parsed back to itself", () => {
  fc.assert(
    fc.property(destinations, (destination) => {
      assert.deepEqual(parseDestination(printDestination(destination)), destination);
    }),
    { numRuns: rounds(1000) },
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
    { numRuns: rounds(5000) },
  );
});

test("Endless text is refused at once", () => {
  assertFastOnLongText(parseDestination, "@", ":", "[", "1:", "a", "%41", " ");
  assertFastOnLongText((text) => parseDestination(`ssh://${text}`), "@", ":", "%41", "+", "/", ":@");
});
