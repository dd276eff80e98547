import assert from "node:assert/strict";
import { test } from "node:test";
import { describeRelay, describeTunnel } from "../../../src/config/description.ts";
import { keywordsOf } from "../../../src/config/tunnel-keywords.ts";

const keywords = (...words: string[]) => keywordsOf(describeTunnel([...words, "-L", "1:a:1", "host"]));

test("A flag is the keyword that says the same, and counts before an -o wherever it stands.", () => {
  const said = keywords("-o", "Compression=no", "-C", "-g", "-A", "-n", "-e", "^]", "-c", "aes128-ctr", "-6");
  assert.deepEqual(
    (
      ["Compression", "GatewayPorts", "ForwardAgent", "StdinNull", "EscapeChar", "Ciphers", "AddressFamily"] as const
    ).map((keyword) => said.text(keyword)),
    ["yes", "yes", "yes", "yes", "^]", "aes128-ctr", "inet6"],
  );
});

test("User, port, jump hosts and keys of -o are keywords, and keys of -i are none.", () => {
  const said = keywords("-l", "anna", "-p", "2222", "-J", "a,b:2", "-i", "x", "-o", 'IdentityFile="y z"');
  assert.deepEqual(
    [said.text("User"), said.text("Port"), said.text("ProxyJump"), said.all("IdentityFile")],
    ["anna", "2222", "a,b:2", ["y z"]],
  );
  assert.equal(keywords("-J", "none").text("ProxyJump"), "none");
});

test("Of two -o the first counts, and what only ssh has is kept apart.", () => {
  const said = keywords("-o", "BatchMode=yes", "-o", "BatchMode=no", "-o", "Tunnel=yes", "-o", "Foo=1", "-M");
  assert.deepEqual([said.text("BatchMode"), said.given()], ["yes", ["BatchMode"]]);
  assert.deepEqual([...said.others], [["tunnel", "yes"]]);
});

test("A flag that does not have its effect is told, and one that asks for nothing is not.", () => {
  assert.deepEqual(keywords("-M", "-S", "none", "-k", "-2").remarks, []);
  assert.deepEqual(keywords("-K", "-y").remarks, [
    "porthop does not have GSSAPIAuthentication: no login by Kerberos: the other methods are tried",
    "-y: what porthop says goes to stderr, or into the file of -E",
  ]);
});

test("A relay's flags are keywords too.", () => {
  assert.equal(keywordsOf(describeRelay(["-4", "-L", "1:a:1"])).text("AddressFamily"), "inet");
});
