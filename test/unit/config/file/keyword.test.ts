import assert from "node:assert/strict";
import { test } from "node:test";
import { Malformed } from "../../../../src/codec/malformed.ts";
import { type Keyword, keywords } from "../../../../src/config/file/keyword.ts";
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

test("PermitRemoteOpen is a list of what it permits, any or none, and nothing else", () => {
  assert.deepEqual(read("PermitRemoteOpen=db:5432 [::1]:* *:80").list("PermitRemoteOpen"), [
    "db:5432",
    "[::1]:*",
    "*:80",
  ]);
  assert.deepEqual(read("PermitRemoteOpen none").list("PermitRemoteOpen"), ["none"]);
  assert.throws(() => read("PermitRemoteOpen=db:5432 db"), new Malformed('PermitRemoteOpen db: "db" is not host:port'));
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
