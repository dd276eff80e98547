import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Malformed } from "../../../../src/codec/malformed.ts";
import { addOption } from "../../../../src/config/file/config-value.ts";
import { type Keyword, Keywords, keywords, longestTimerMs } from "../../../../src/config/file/keyword.ts";
import { rounds } from "../../../kit/effort.ts";
import { assertFastOnLongText, hostileText, readOrRefused } from "../../../kit/hostile-text.ts";
import { names, read, valueFor } from "../../../kit/keyword-values.ts";

const takesAll: ReadonlySet<Keyword> = new Set(["ProxyCommand", "RemoteCommand"]);

for (const keyword of names) {
  test(`${keyword} is read after = and after a blank, in any case, and in quotes`, () => {
    const value = valueFor(keyword);
    for (const line of [
      `${keyword}=${value}`,
      `${keyword} ${value}`,
      `${keyword} = ${value}`,
      `  ${keyword}\t${value}  `,
      `${keyword.toUpperCase()}=${value}`,
      `${keyword.toLowerCase()} =${value}`,
    ]) {
      assert.equal(read(line).text(keyword), value, line);
    }
    for (const quote of ['"', "'"]) {
      // Two words, or none that a name has (ssh: "Missing target argument", "Invalid ProxyJump").
      if (keyword === "LocalForward" || keyword === "RemoteForward" || keyword === "ProxyJump") {
        assert.throws(() => read(`${keyword}=${quote}${value}${quote}`), Malformed);
        continue;
      }
      const quoted = read(`${keyword}=${quote}${value}${quote}`);
      if (keywords[keyword] === "list" || keywords[keyword] === "remote-open")
        assert.deepEqual(quoted.list(keyword), [value]);
      // A shell will read it.
      else if (takesAll.has(keyword)) assert.equal(quoted.text(keyword), `${quote}${value}${quote}`);
      else assert.equal(quoted.text(keyword), value);
    }
  });
}

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

test("Quotes, backslashes and a comment after -o are read as in a file, as by ssh", () => {
  assert.equal(read('IdentityFile="/a b/c=d"').text("IdentityFile"), "/a b/c=d");
  assert.equal(read("IdentityFile='/a \"b\"'").text("IdentityFile"), '/a "b"');
  assert.equal(read('HostKeyAlias=a"b c"d').text("HostKeyAlias"), "ab cd");
  assert.equal(read("IdentityFile=/a\\ b").text("IdentityFile"), "/a b");
  assert.equal(read("User=a #b").text("User"), "a");
  assert.equal(read("IdentityFile=a=b").text("IdentityFile"), "a=b");
  for (const line of ['HostKeyAlias="a" "b"', "HostKeyAlias='a\"", 'HostKeyAlias="']) {
    assert.throws(() => read(line), Malformed, line);
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

test("PermitRemoteOpen is a list of what it permits, any or none, and nothing else", () => {
  assert.deepEqual(read("PermitRemoteOpen=db:5432 [::1]:* *:80").list("PermitRemoteOpen"), [
    "db:5432",
    "[::1]:*",
    "*:80",
  ]);
  assert.deepEqual(read("PermitRemoteOpen none").list("PermitRemoteOpen"), ["none"]);
  assert.throws(() => read("PermitRemoteOpen=db:5432 db"), new Malformed('PermitRemoteOpen db: "db" is not host:port'));
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

const aliases = [
  ["ChallengeResponseAuthentication", "KbdInteractiveAuthentication"],
  ["SkeyAuthentication", "KbdInteractiveAuthentication"],
  ["DSAAuthentication", "PubkeyAuthentication"],
] as const;

for (const [alias, keyword] of aliases) {
  test(`${alias} is an older name of ${keyword}, and the first of both wins`, () => {
    assert.equal(read(`${alias}=no`).flag(keyword, true), false);
    assert.equal(read(`${keyword}=yes`, `${alias}=no`).flag(keyword, false), true);
    assert.throws(() => read(`${alias}=perhaps`), Malformed);
  });
}

const refused: readonly (readonly [line: string, message: string])[] = [
  ["", '-o "" is not Keyword=value'],
  ["Port", '-o "Port" is not Keyword=value'],
  ["Port=", '-o "Port=" is not Keyword=value'],
  ["Port =  ", '-o "Port =  " is not Keyword=value'],
  ["=5", '-o "=5" is not Keyword=value'],
  ["-p=5", '-o "-p=5" is not Keyword=value'],
  ["Pört=5", '-o "Pört=5" is not Keyword=value'],
  ["Port=\u001b[2J", 'Port: "\\x1b[2J" is not a port (1 to 65535)'],
  ["Prot=5", "-o Prot: porthop does not have this keyword (did you mean Port?)"],
  [
    "StrictHostKeyCheking=no",
    "-o StrictHostKeyCheking: porthop does not have this keyword (did you mean StrictHostKeyChecking?)",
  ],
  ["constructor=1", "-o constructor: porthop does not have this keyword"],
  ["Port==22", 'Port: "=22" is not a port (1 to 65535)'],
  ["Port=22 23", 'Port: "23" is one word too many'],
  ["Port=-1", 'Port: "-1" is not a port (1 to 65535)'],
  ["Port=0x50", 'Port: "0x50" is not a port (1 to 65535)'],
  ["Port=1234567890", 'Port: "1234567890" is not a port (1 to 65535)'],
  ["ServerAliveCountMax=3.5", 'ServerAliveCountMax: "3.5" is not a number'],
  ["Compression=maybe", 'Compression: "maybe" is not one of yes, no'],
  ["BatchMode=1", 'BatchMode: "1" is not yes or no'],
  ["GSSAPIAuthentication=1", 'GSSAPIAuthentication: "1" is not yes or no'],
  ["AddressFamily=inet4", 'AddressFamily: "inet4" is not one of any, inet, inet6'],
  ["ConnectTimeout=soon", 'ConnectTimeout: "soon" is not a time such as 30 or 1m30s, or none'],
  ["ServerAliveInterval=-3", 'ServerAliveInterval: "-3" is not a time such as 30 or 1m30s, or none'],
  ["HostName=-oProxyCommand", 'HostName: host "-oProxyCommand" begins with "-"'],
  ["HostName=a b", 'HostName: "b" is one word too many'],
];

for (const [line, message] of refused) {
  test(`-o ${JSON.stringify(line)} is refused: ${message}`, () => {
    assert.throws(() => read(line), new Malformed(message));
  });
}

test("A value that is refused is refused after a good one too, though it would not count", () => {
  assert.throws(() => read("Port=22", "Port=-1"), new Malformed('Port: "-1" is not a port (1 to 65535)'));
});

test("An unknown keyword of a thousand letters is cut where it is named", () => {
  assert.throws(
    () => read(`${"x".repeat(1000)}=1`),
    (error) => error instanceof Malformed && error.message.length < 200,
  );
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

test("A list of algorithms in which ssh knows nothing is refused where it is read, as in ssh", () => {
  for (const [line, message] of [
    ["Ciphers=rot13", 'Ciphers: "rot13" is no cipher that ssh knows'],
    ["MACs=hmac-sha1,,hmac-md5", "MACs: an empty name where a MAC should be"],
    ["KexAlgorithms=curve25519", 'KexAlgorithms: "curve25519" is no key exchange that ssh knows'],
    ["HostKeyAlgorithms=dsa*", 'HostKeyAlgorithms: "dsa*" is no host key algorithm that ssh knows'],
  ] as const) {
    assert.throws(
      () => read(line),
      (error: Error) => error instanceof Malformed && error.message.startsWith(message),
    );
  }
  assert.equal(read("Ciphers=-nobody-knows*").text("Ciphers"), "-nobody-knows*");
});
