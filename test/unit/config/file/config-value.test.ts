import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseConfigLine } from "../../../../src/codec/config/config-line.ts";
import { Malformed } from "../../../../src/codec/malformed.ts";
import { addConfigLine, addOption } from "../../../../src/config/file/config-value.ts";
import { findKeyword, type Keyword, keywords as readings } from "../../../../src/config/file/keyword.ts";
import { Keywords } from "../../../../src/config/file/keyword-record.ts";
import { rounds } from "../../../kit/effort.ts";
import { hostileText, readOrRefused } from "../../../kit/hostile-text.ts";

function read(lines: readonly string[], isActive = true): Keywords {
  const keywords = new Keywords();
  for (const text of lines) {
    const line = parseConfigLine(text);
    const keyword = findKeyword(line?.keyword ?? "");
    if (line === undefined || keyword === undefined) throw new Error(`no keyword in ${text}`);
    addConfigLine(keywords, keyword, line, isActive);
  }
  return keywords;
}

for (const [line, keyword, values] of [
  ['User "alice"', "User", ["alice"]],
  ["Port 22 # sshd", "Port", ["22"]],
  ['ProxyCommand = sh -c "nc %h" # x', "ProxyCommand", ['sh -c "nc %h" # x']],
  ["RemoteCommand echo 'a  b'", "RemoteCommand", ["echo 'a  b'"]],
  ["ProxyJump a,b # gates", "ProxyJump", ["a,b"]],
  ["SendEnv A B*", "SendEnv", ["A", "B*"]],
  ['LocalForward "8080" localhost:80', "LocalForward", ["8080 localhost:80"]],
  ["AddKeysToAgent confirm 5m", "AddKeysToAgent", ["confirm 5m"]],
  ["PubkeyAuthentication host-bound", "PubkeyAuthentication", ["host-bound"]],
  ["PorthopUse limit:up=1MB/s", "PorthopUse", ["limit:up=1MB/s"]],
] as const) {
  test(`${line} gives ${keyword} its value.`, () => {
    assert.deepEqual(read([line]).all(keyword), values);
    assert.deepEqual(read([line], false).all(keyword), []);
  });
}

test("The words of a list may hold blanks and quotes, and the first list wins.", () => {
  const keywords = read(['UserKnownHostsFile "/a b" /c\\"d', "UserKnownHostsFile /e", 'SetEnv "A=1 2" B=\'"\'']);
  assert.deepEqual(keywords.list("UserKnownHostsFile"), ["/a b", '/c"d']);
  assert.deepEqual(keywords.list("SetEnv"), ["A=1 2", 'B="']);
});

test("Of two values for a variable the first one counts, and of known_hosts files none stands alone.", () => {
  assert.deepEqual(read(["SetEnv A=1 B=2 A=3 C="]).list("SetEnv"), ["A=1", "B=2", "C="]);
  for (const line of ["SetEnv A", "SetEnv =1", "UserKnownHostsFile none /a", "GlobalKnownHostsFile /a NONE"]) {
    assert.throws(() => read([line]), Malformed, line);
    assert.throws(() => read([line], false), Malformed, line);
  }
});

test("A line after -o is read as one of a file, and one that does not have its effect is told.", () => {
  const keywords = new Keywords();
  for (const line of ["SendEnv=A B", "User = alice # me", "VisualHostKey=yes", "TCPKeepAlive no"]) {
    addOption(keywords, line);
  }
  assert.deepEqual(keywords.all("SendEnv"), ["A", "B"]);
  assert.deepEqual([keywords.text("User"), keywords.flag("TCPKeepAlive", true)], ["alice", false]);
  assert.deepEqual(keywords.remarks, ["porthop does not have VisualHostKey: no picture of a host key"]);
  assert.equal(keywords.others.get("visualhostkey"), "yes");
});

test("What asks for what porthop does anyway is not worth a word.", () => {
  const keywords = new Keywords();
  const lines =
    "Protocol=2 VerifyHostKeyDNS=no PermitLocalCommand=no CanonicalizeHostname=no Tunnel=no IPQoS=throughput " +
    "CheckHostIP=no GSSAPIAuthentication=no ControlMaster=no ControlPersist=no RhostsRSAAuthentication=no SmartcardDevice=none";
  for (const line of lines.split(" ")) addOption(keywords, line);
  assert.deepEqual(keywords.remarks, []);
});

for (const line of [
  ...["Port 22 23", 'User ""', "Port #", "Port 70000", "SendEnv A=1", "StrictHostKeyChecking perhaps"],
  ...["LocalForward 8080", "PorthopUse limit:up", "PorthopRateLimit fast", "PorthopLog loud", "HostName -x"],
]) {
  test(`${line} is refused.`, () => {
    assert.throws(() => read([line]), Malformed);
  });
}

test("A user of a file is trusted, one after -o is not.", () => {
  const ofFile = (text: string) => {
    const keywords = new Keywords();
    const line = parseConfigLine(`User ${text}`);
    assert.ok(line !== undefined);
    addConfigLine(keywords, "User", line, true, "/c");
    return keywords.text("User");
  };
  assert.equal(ofFile("svc;$x"), "svc;$x");
  assert.throws(() => ofFile("a\x1bb"), Malformed);
  assert.throws(() => addOption(new Keywords(), "User=svc$"), Malformed);
});

test("In a block that does not apply only what ssh refuses as well is refused.", () => {
  assert.throws(() => read(["StrictHostKeyChecking perhaps"], false), Malformed);
  assert.throws(() => read(["Port 22 23"], false), Malformed);
  assert.deepEqual(read(["HostName -x", "Port ssh"], false).given(), []);
});

test("Any value of any keyword is taken or refused in one short line.", () => {
  const names = Object.keys(readings) as Keyword[];
  const text = hostileText(" ", '"', "=", "#", "%h", "yes", "none", "22", "localhost:80", ",", ":", "1m");
  fc.assert(
    fc.property(fc.constantFrom(...names), text, fc.boolean(), (keyword, value, isActive) => {
      readOrRefused(() => {
        const line = parseConfigLine(`${keyword} ${value}`);
        if (line !== undefined && line.keyword === keyword) addConfigLine(new Keywords(), keyword, line, isActive);
      });
    }),
    { numRuns: rounds(5000) },
  );
});
