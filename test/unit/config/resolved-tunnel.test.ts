import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConfigSources } from "../../../src/config/file/config-sources.ts";
import { resolved, spelledOut } from "../../../src/config/resolved-tunnel.ts";
import { plainTunnel, type SshTunnel } from "../../../src/tunnel/tunnel-description.ts";
import { memoryConfig } from "../../kit/memory-config.ts";

const web = plainTunnel("web", []);
const alias = configured(`Host web
  HostName 10.0.0.7
  User alice
  Port 2222
  ProxyJump bob@bastion
Host *
  Compression yes
`);

function configured(text: string): ConfigSources {
  return memoryConfig({ "/home/anna/.ssh/config": text });
}

test("An alias is resolved to the address, user, port and jump hosts that it stands for.", () => {
  const { host, user, port, jumps, keywords } = resolved(web, alias);
  assert.deepEqual([host, user, port], ["web", "alice", 2222]);
  assert.deepEqual(jumps, [{ user: "bob", host: "bastion", port: undefined }]);
  assert.deepEqual(keywords, [{ name: "HostName", value: "10.0.0.7" }]);
});

test("A name that stands in no file stays as it is.", () => {
  const vishnu = plainTunnel("vishnu", []);
  assert.deepEqual(resolved(vishnu, alias), vishnu);
  assert.deepEqual(spelledOut(vishnu, "other", alias), vishnu);
});

test("What the words say counts before what the file says.", () => {
  const said: SshTunnel = {
    ...web,
    user: "carol",
    port: 22,
    jumps: [],
    keywords: [{ name: "hostname", value: "10.0.0.8" }],
  };
  assert.deepEqual(resolved(said, alias), said);
  assert.deepEqual(spelledOut(said, "other", alias), said);
});

test("For a Host of another name all that holds for the server is said, and nothing that holds for both.", () => {
  const { user, port, keywords } = spelledOut(web, "web-tunnel", alias);
  assert.deepEqual([user, port], ["alice", 2222]);
  assert.deepEqual(keywords, [
    { name: "HostName", value: "10.0.0.7" },
    { name: "ProxyJump", value: "bob@bastion" },
  ]);
});

test("With -F the file that is named says what the server stands for.", () => {
  const sources = memoryConfig({ "/tmp/other": "Host web\n  HostName 10.0.0.9\n" });
  const { keywords } = spelledOut({ ...web, configFile: "/tmp/other" }, "web-tunnel", sources);
  assert.deepEqual(keywords, [{ name: "HostName", value: "10.0.0.9" }]);
});
