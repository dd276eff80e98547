import assert from "node:assert/strict";
import { test } from "node:test";
import { Malformed } from "../../../../src/codec/malformed.ts";
import { connectionTokens, fillHome, fillTokens, fillUser } from "../../../../src/config/file/config-tokens.ts";
import { addOption } from "../../../../src/config/file/config-value.ts";
import { Keywords } from "../../../../src/config/file/keyword-record.ts";
import { memoryConfig } from "../../../kit/memory-config.ts";

const { machine } = memoryConfig({});
const tokens = connectionTokens(
  { originalHost: "web", host: "real", keyName: "alias", port: "2222", user: "bob", jump: "gate" },
  machine,
);

test("Each token is what ssh_config(5) says.", () => {
  const { C, ...others } = tokens;
  assert.match(C ?? "", /^[0-9a-f]{40}$/);
  assert.deepEqual(others, {
    L: "brahma",
    d: "/home/anna",
    h: "real",
    i: "1000",
    j: "gate",
    k: "alias",
    l: "brahma.example.com",
    n: "web",
    p: "2222",
    r: "bob",
    u: "anna",
  });
});

test("A tilde is the own home, or another's.", () => {
  for (const [path, expected] of [
    ["~", "/home/anna/"],
    ["~/.ssh/a", "/home/anna/.ssh/a"],
    ["~bob/x", "/home/bob/x"],
    ["/a/~/b", "/a/~/b"],
    ["a~", "a~"],
  ] as const) {
    assert.equal(fillHome(path, machine), expected, path);
  }
  assert.throws(() => fillHome("~carl/x", machine), new Malformed('"~carl/x": there is no user "carl"'));
});

test("Files and sockets are filled in with all of them, a command with tokens alone, and a yes with nothing.", () => {
  const keywords = new Keywords();
  for (const line of [
    "IdentityFile=~/.ssh/id_%h",
    `IdentityFile=$${"{SOCKET}"}.key`,
    `IdentityAgent=%d/$${"{PORT}"}`,
    "UserKnownHostsFile=~/a%p /b%%",
    "GlobalKnownHostsFile=~/g %h",
    `RevokedHostKeys=~/revoked_%h_$${"{PORT}"}`,
    `SetEnv=A=%h:$${"{PORT}"} B=~/x%%`,
    "RemoteCommand=echo ~ %n",
    "ForwardAgent=yes",
  ]) {
    addOption(keywords, line);
  }
  fillTokens(keywords, tokens, machine);
  assert.deepEqual(keywords.all("IdentityFile"), ["/home/anna/.ssh/id_real", "/run/agent.key"]);
  assert.equal(keywords.text("IdentityAgent"), "/home/anna/8080");
  assert.deepEqual(keywords.list("UserKnownHostsFile"), ["/home/anna/a2222", "/b%"]);
  assert.deepEqual(keywords.list("GlobalKnownHostsFile"), ["/home/anna/g", "%h"]);
  assert.equal(keywords.text("RevokedHostKeys"), "/home/anna/revoked_real_8080");
  assert.deepEqual(keywords.list("SetEnv"), ["A=real:8080", "B=~/x%"]);
  assert.equal(keywords.text("RemoteCommand"), "echo ~ web");
  assert.equal(keywords.text("ForwardAgent"), "yes");
});

test("A token that is not known names its keyword.", () => {
  const keywords = new Keywords();
  addOption(keywords, "IdentityFile=/k/%z");
  assert.throws(
    () => fillTokens(keywords, tokens, machine),
    /^Malformed: IdentityFile: "\/k\/%z"|^Malformed: IdentityFile: "%z"/,
  );
});

test("The user of a file is filled in, that of the command line is not, and neither knows itself.", () => {
  const userOf = (value: string, place?: string) => {
    const keywords = new Keywords();
    const add = () => keywords.add("User", value);
    if (place === undefined) add();
    else keywords.addingFrom(place, add);
    fillUser(keywords, tokens, machine);
    return keywords.text("User");
  };
  assert.equal(userOf(`%n-%j-$${"{PORT}"}`, "/c line 1"), "web-gate-8080");
  assert.equal(userOf("CORP\\anna$", "/c line 1"), "CORP\\anna$");
  assert.equal(userOf("100%"), "100%");
  assert.throws(() => userOf("%r", "/c line 1"), /^Malformed: \/c line 1: User: "%r": "%r" means nothing here/);
  assert.throws(() => userOf("%n;%n", "/c line 1"), /^Malformed: \/c line 1: User: user "web;web" contains ";"$/);
});

test("The hash of a connection is another one by another jump host.", () => {
  const by = (jump: string) =>
    connectionTokens({ originalHost: "web", host: "real", keyName: "k", port: "22", user: "bob", jump }, machine)["C"];
  assert.notEqual(by("gate"), by("door"));
});
