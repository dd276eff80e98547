import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Malformed } from "../../../../src/codec/malformed.ts";
import { addOption } from "../../../../src/config/file/config-value.ts";
import { type Keyword, keywords } from "../../../../src/config/file/keyword.ts";
import { Keywords, longestTimerMs } from "../../../../src/config/file/keyword-record.ts";
import { rounds } from "../../../kit/effort.ts";
import { assertFastOnLongText, hostileText, readOrRefused } from "../../../kit/hostile-text.ts";
import { names, read } from "../../../kit/keyword-values.ts";

test("A keyword that was not given has no value, and a flag of it is what is asked for otherwise", () => {
  const none = read();
  for (const keyword of names) {
    assert.equal(none.text(keyword), undefined);
    assert.deepEqual(none.all(keyword), []);
    assert.equal(none.list(keyword), undefined);
    assert.equal(none.number(keyword), undefined);
    assert.equal(none.time(keyword), undefined);
    assert.equal(none.flag(keyword, true), true);
    assert.equal(none.flag(keyword, false), false);
  }
  assert.deepEqual(none.remarks, []);
});

test("The first value of a keyword wins, whichever way it was given", () => {
  const twice = read("Port=1", "port 2", "User=anna", "USER=bob");
  twice.add("Port", "3");
  assert.deepEqual([twice.text("Port"), twice.text("User")], ["1", "anna"]);
  assert.deepEqual(twice.all("Port"), ["1"]);
});

test("IdentityFile collects", () => {
  const three = read("IdentityFile=~/.ssh/a", "IdentityFile ~/.ssh/b", 'identityfile="/c d"');
  assert.deepEqual(three.all("IdentityFile"), ["~/.ssh/a", "~/.ssh/b", "/c d"]);
  assert.equal(three.text("IdentityFile"), "~/.ssh/a");
});

test("Of key files and certificates ssh takes a hundred, and refuses one more", () => {
  for (const name of ["IdentityFile", "CertificateFile"]) {
    const lines = Array.from({ length: 100 }, (_, index) => `${name}=/k${index}`);
    assert.throws(() => read(...lines, `${name}=/more`), /ssh takes no more than 100 files/);
    assert.equal(read(...lines, `${name}=/k0`).all(name as Keyword).length, 100);
  }
});

test("A list of files is cut at blanks, but not at those in quotes", () => {
  const files = (value: string) => read(`UserKnownHostsFile=${value}`).list("UserKnownHostsFile");
  assert.deepEqual(files("/a"), ["/a"]);
  assert.deepEqual(files("/a  ~/b\t/c"), ["/a", "~/b", "/c"]);
  assert.deepEqual(files("\"/a b\" /c '/d e'"), ["/a b", "/c", "/d e"]);
  assert.deepEqual(files('"/a b"'), ["/a b"]);
  assert.deepEqual(files('/a"b c" /d'), ["/ab c", "/d"]);
  assert.throws(() => files('/it"s /b'), Malformed);
});

test("yes, no, true and false are yes and no in any case", () => {
  for (const [value, is] of [
    ["yes", true],
    ["True", true],
    ["YES", true],
    ["no", false],
    ["False", false],
  ] as const) {
    assert.equal(read(`BatchMode=${value}`).flag("BatchMode", !is), is, value);
  }
});

test("A time is in seconds or in ssh's units, none is no time at all, and no timer is asked for more than it can wait", () => {
  const ms = (value: string) => read(`ServerAliveInterval=${value}`).time("ServerAliveInterval");
  assert.equal(ms("30"), 30_000);
  assert.equal(ms("1m30s"), 90_000);
  assert.equal(ms("0"), 0);
  assert.equal(ms("none"), 0);
  assert.equal(ms("100w"), longestTimerMs);
});

test("A number is a number", () => {
  assert.equal(read("ServerAliveCountMax=007").number("ServerAliveCountMax"), 7);
});

const line = hostileText(...names.slice(0, 12), "=", " ", '"', "'", "yes", "22", "none", "1m", "constructor", "\\");

test("Random lines are read or refused in one short line", () => {
  fc.assert(
    fc.property(fc.array(line, { maxLength: 4 }), (lines) => {
      const given = new Keywords();
      for (const each of lines) readOrRefused(() => addOption(given, each));
      for (const keyword of names) {
        assert.equal(given.all(keyword)[0], given.text(keyword));
        if (keywords[keyword] === "seconds") assert.ok((given.time(keyword) ?? 0) <= longestTimerMs);
      }
    }),
    { numRuns: rounds(2000) },
  );
});

test("Very long lines are read or refused at once", () => {
  assertFastOnLongText(
    (text) => {
      const given = new Keywords();
      for (const line of [text, `UserKnownHostsFile=${text}`, `Port=${text}`, `ConnectTimeout=${text}`]) {
        readOrRefused(() => addOption(given, line));
      }
      return given.list("UserKnownHostsFile");
    },
    " ",
    "a",
    "=",
    '"',
    "' ",
    '"a" ',
    "1m",
  );
});

test("A mask is octal, up to 0777, as ssh reads it", () => {
  for (const [text, mask] of [
    ["0177", 0o177],
    ["7", 7],
    ["000777", 0o777],
    ["0", 0],
  ] as const) {
    const keywords = new Keywords();
    addOption(keywords, `StreamLocalBindMask=${text}`);
    assert.equal(keywords.octal("StreamLocalBindMask"), mask);
  }
  assert.equal(new Keywords().octal("StreamLocalBindMask"), undefined);
  for (const text of ["1000", "0188", "-1", "0x7", "u=rw"]) {
    assert.throws(() => addOption(new Keywords(), `StreamLocalBindMask=${text}`), /is not an octal number up to 0777/);
  }
});

test("A name that ssh does not know is passed over beside others, with a warning that has its place", () => {
  const lines = [
    "MACs=hmac-sha1,hmac-sha4",
    "PubkeyAcceptedAlgorithms=+rot13",
    "Ciphers=-rot13",
    "MACs=hmac-sha5,hmac-md5",
  ];
  const keywords = read(...lines);
  assert.deepEqual(keywords.remarks, [
    'MACs: "hmac-sha4" is no MAC that ssh knows (did you mean hmac-sha1?): passed over',
    'PubkeyAcceptedAlgorithms: "rot13" is no public key algorithm that ssh knows: passed over',
  ]);
  keywords.addingFrom("/c line 7", () => keywords.add("KexAlgorithms", "curve25519-sha256,a\u001b[2Jb"));
  assert.deepEqual(keywords.warnings, [
    '/c line 7: KexAlgorithms: "a\\x1b[2Jb" is no key exchange that ssh knows: passed over',
  ]);
});
