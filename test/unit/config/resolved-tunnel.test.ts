import assert from "node:assert/strict";
import { test } from "node:test";
import { printForwardSpec } from "../../../src/codec/words/forward-spec.ts";
import { describeTunnel } from "../../../src/config/description.ts";
import type { ConfigSources } from "../../../src/config/file/config-sources.ts";
import { resolveTunnel, spelledOut } from "../../../src/config/resolved-tunnel.ts";
import { readRunSettings } from "../../../src/config/run-settings.ts";
import { PorthopError } from "../../../src/errors.ts";
import { autosshWords } from "../../../src/tunnel/autossh-command.ts";
import { sshWords } from "../../../src/tunnel/ssh-command.ts";
import { sshConfigBlock } from "../../../src/tunnel/ssh-config-block.ts";
import { type KeywordLine, plainTunnel, type SshTunnel } from "../../../src/tunnel/tunnel-description.ts";
import { memoryConfig } from "../../kit/memory-config.ts";

const web = plainTunnel("web", []);
const prod = configured(`Host prod
  HostName vishnu
  LocalForward 15432 localhost:3306
  ServerAliveInterval 20
`);
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

const written = (lines: readonly KeywordLine[]) => lines.map(({ name, value }) => `${name} ${value}`);
const forwardsOf = ({ forwards }: SshTunnel) => forwards.map((spec) => `${spec.kind} ${printForwardSpec(spec)}`);

test("A Host that has forwards is described with them, as run takes them, and opens no shell.", () => {
  const words = ["prod"];
  const { said, effective, configured: lines } = resolveTunnel(describeTunnel(words), prod);
  assert.deepEqual(forwardsOf(effective), ["local 15432:localhost:3306"]);
  assert.deepEqual(
    effective.forwards,
    readRunSettings(words, prod).forwards.map(({ spec }) => spec),
  );
  assert.deepEqual(effective.remote, { kind: "none", implied: true });
  assert.deepEqual(sshWords(said), ["-N", "prod"]);
  assert.deepEqual(
    lines.map(({ keyword, value, place }) => `${keyword} ${value}, ${place}`),
    [
      "HostName vishnu, /home/anna/.ssh/config line 2",
      "LocalForward 15432 localhost:3306, /home/anna/.ssh/config line 3",
      "ServerAliveInterval 20, /home/anna/.ssh/config line 4",
    ],
  );
});

test("Who starts ssh again says no keepalive where the file says one.", () => {
  const { said, effective } = resolveTunnel(describeTunnel(["prod"]), prod);
  assert.deepEqual(autosshWords(said, effective), [
    ..."autossh -M 0 -N -o ExitOnForwardFailure=yes -o ServerAliveCountMax=3 prod".split(" "),
  ]);
});

test("A Host block of another name has the forwards and settings of the file.", () => {
  const block = sshConfigBlock(spelledOut(describeTunnel(["prod"]), "prod-tunnel", prod), "prod-tunnel");
  assert.deepEqual(block, [
    "Host prod-tunnel",
    "    HostName vishnu",
    "    SessionType none",
    "    RequestTTY no",
    "    ServerAliveInterval 20",
    "    LocalForward 15432 localhost:3306",
  ]);
});

test("A block with all that a file can say is read as the same settings under its own name.", () => {
  const text = `Host prod
  HostName %h.example.com
  User anna
  Port 2200
  IdentityFile "~/a key%%1"
  CertificateFile ~/%n-cert.pub
  ProxyCommand nc -x "a b" %h %p # not a comment
  UserKnownHostsFile ~/one "~/two three"
  SetEnv A=1 "B=two words"
  SendEnv LANG LC_*
  PermitRemoteOpen localhost:80 [::1]:*
  LocalForward /tmp/%n.sock localhost:80
  RemoteForward 9000 localhost:9001
  DynamicForward *:1080
  Ciphers aes128-ctr,aes256-ctr
  RekeyLimit default none
  GatewayPorts yes
  StrictHostKeyChecking accept-new
`;
  const sources = configured(text);
  const lines = sshConfigBlock(spelledOut(describeTunnel(["prod"]), "copy", sources), "copy");
  const before = readRunSettings(["prod"], sources);
  const after = readRunSettings(["copy"], configured(lines.join("\n")));
  assert.deepEqual(
    after.forwards.map(({ listen, connect }) => [listen, connect]),
    before.forwards.map(({ listen, connect }) => [listen, connect]),
  );
  for (const keyword of before.keywords.given()) {
    // Those were compared, with their tokens filled in.
    if (keyword.endsWith("Forward")) continue;
    assert.deepEqual(after.keywords.list(keyword), before.keywords.list(keyword), keyword);
    assert.deepEqual(after.keywords.all(keyword), before.keywords.all(keyword), keyword);
  }
});

test("A block keeps what only ssh has, as it was written, unless the other name has it too.", () => {
  const sources = configured(
    'Host prod\n PKCS11Provider = /lib/a.so # card\n LocalCommand echo "a b" # all of it\n ControlMaster auto\n UseRsh no\n' +
      "Host *\n GSSAPIAuthentication yes\n",
  );
  const lines = sshConfigBlock(spelledOut(describeTunnel(["prod"]), "copy", sources), "copy");
  assert.deepEqual(
    lines.slice(2).map((line) => line.trim()),
    ["PKCS11Provider /lib/a.so # card", 'LocalCommand echo "a b" # all of it'],
  );
});

test("What a Host of that name gets anyway is not repeated, forwards included.", () => {
  const sources = configured("Host *\n  LocalForward 81 b:1\n  User all\nHost web\n  LocalForward 80 a:1\n");
  const { user, forwards, keywords } = spelledOut(web, "other", sources);
  assert.deepEqual([user, forwards.map(printForwardSpec), keywords], [undefined, ["80:a:1"], []]);
});

test("A RemoteCommand of the file is not run beside forwards, and a SessionType of the file is -N.", () => {
  const sources = configured("RemoteCommand top\nRequestTTY force\nHost none\n  SessionType none\n");
  const remote = (...words: string[]) => resolveTunnel(describeTunnel(words), sources).said.remote;
  assert.deepEqual(remote("-L", "1:a:1", "h"), { kind: "none", implied: true });
  assert.deepEqual(remote("-t", "-L", "1:a:1", "h"), { kind: "shell" });
  assert.deepEqual(remote("h"), { kind: "shell" });
  assert.deepEqual(remote("none"), { kind: "none", implied: false });
  const block = sshConfigBlock(spelledOut(describeTunnel(["-L", "1:a:1", "h"]), "x", sources), "x");
  assert.deepEqual(block.slice(2), ["    SessionType none", "    RequestTTY no", "    LocalForward 1 a:1"]);
});

test("Forwards that ClearAllForwardings takes away stay to be seen, and those of the file are not added.", () => {
  const { effective } = resolveTunnel(describeTunnel(["-L", "1:a:1", "-o", "ClearAllForwardings=yes", "prod"]), prod);
  assert.deepEqual(forwardsOf(effective), ["local 1:a:1"]);
});

test("An alias is resolved to the address, user, port and jump hosts that it stands for.", () => {
  const { host, user, port, jumps, keywords } = resolveTunnel(web, alias).effective;
  assert.deepEqual([host, user, port], ["web", "alice", 2222]);
  assert.deepEqual(jumps, [{ user: "bob", host: "bastion", port: undefined }]);
  assert.deepEqual(written(keywords), ["HostName 10.0.0.7", "Compression yes"]);
});

test("A name that stands in no file stays as it is.", () => {
  const vishnu = plainTunnel("vishnu", []);
  assert.deepEqual(resolveTunnel(vishnu, configured("")).effective, vishnu);
  assert.deepEqual(spelledOut(vishnu, "other", alias), vishnu);
});

test("What the words say counts before what the file says.", () => {
  const said: SshTunnel = {
    ...web,
    user: "carol",
    port: 22,
    jumps: [],
    keywords: [{ name: "HostName", value: "10.0.0.8" }],
  };
  const { user, port, jumps, keywords } = resolveTunnel(said, alias).effective;
  assert.deepEqual([user, port, jumps, written(keywords)], ["carol", 22, [], ["HostName 10.0.0.8", "Compression yes"]]);
  assert.deepEqual(spelledOut(said, "other", alias), said);
});

test("For a Host of another name all that holds for the server is said, and nothing that holds for both.", () => {
  const { user, port, jumps, keywords } = spelledOut(web, "web-tunnel", alias);
  assert.deepEqual([user, port], ["alice", 2222]);
  assert.deepEqual(jumps, [{ user: "bob", host: "bastion", port: undefined }]);
  assert.deepEqual(written(keywords), ["HostName 10.0.0.7"]);
});

test("With -F the file that is named says what the server stands for.", () => {
  const sources = memoryConfig({ "/tmp/other": "Host web\n  HostName 10.0.0.9\n" });
  const { keywords } = spelledOut({ ...web, configFile: "/tmp/other" }, "web-tunnel", sources);
  assert.deepEqual(written(keywords), ["HostName 10.0.0.9"]);
});

test("A file that cannot be read leaves the words as they are, and says so; wrong words are wrong all the same.", () => {
  const broken = configured("Host web\n  Port many\n");
  const { said, effective, trouble } = resolveTunnel(web, broken);
  assert.deepEqual([said, effective], [web, web]);
  assert.match(trouble ?? "", /config line 2: Port/);
  assert.throws(() => resolveTunnel(describeTunnel(["--grace", "soon", "-L", "1:a:1", "web"]), broken), PorthopError);
});

test("Nothing is run to learn what a name stands for.", () => {
  const sources = memoryConfig({ "/home/anna/.ssh/config": 'Match exec "true"\n  User mallory\n' });
  assert.equal(resolveTunnel(web, sources).effective.user, undefined);
  assert.deepEqual(sources.commands, []);
});

test("Jump hosts are shown where they really are, with the way that the first one has of its own.", () => {
  const sources = configured(`Host gate
  HostName 10.0.0.1
  Port 2201
  User ops
  ProxyJump outer
Host web
  ProxyJump gate,inner
`);
  const { said, effective } = resolveTunnel(describeTunnel(["-L", "1:a:1", "web"]), sources);
  assert.deepEqual(effective.jumps, [
    { user: undefined, host: "outer", port: undefined },
    { user: "ops", host: "10.0.0.1", port: 2201 },
    { user: undefined, host: "inner", port: undefined },
  ]);
  assert.equal(said.jumps, undefined);
  assert.deepEqual(
    spelledOut(web, "copy", sources).jumps?.map(({ host }) => host),
    ["gate", "inner"],
  );
});

test("Jump hosts that name each other come to an end.", () => {
  const sources = configured("Host a\n  ProxyJump b\nHost b\n  ProxyJump a\nHost web\n  ProxyJump a\n");
  const { effective } = resolveTunnel(web, sources);
  assert.deepEqual(
    effective.jumps?.map(({ host }) => host),
    ["a", "b", "a"],
  );
});

const lines = (words: readonly string[], sources: ConfigSources) =>
  sshConfigBlock(spelledOut(describeTunnel(words), "copy", sources), "copy")
    .slice(1)
    .map((each) => each.trim());

test("What the file says of another name otherwise is said for that name, defaults too.", () => {
  const sources = configured(`Host web
  HostName 10.0.0.1
  User bob
  ServerAliveInterval 10
Host inner
  ProxyJump none
  StrictHostKeyChecking yes
  UserKnownHostsFile ~/.ssh/kh_inner
Host * !bastion !web
  ProxyJump bastion
  Port 2222
Host *
  User carol
  ServerAliveInterval 60
  StrictHostKeyChecking no
  UserKnownHostsFile /dev/null
`);
  assert.deepEqual(lines(["-L", "1:a:1", "web"], sources), [
    ..."HostName 10.0.0.1|User bob|Port 22|ProxyJump none|SessionType none|RequestTTY no".split("|"),
    "ServerAliveInterval 10",
    "LocalForward 1 a:1",
  ]);
  const inner = lines(["-L", "1:a:1", "inner"], sources);
  for (const line of ["ProxyJump none", "StrictHostKeyChecking yes", "UserKnownHostsFile /home/anna/.ssh/kh_inner"]) {
    assert.ok(inner.includes(line), `${line} in ${inner.join("; ")}`);
  }
  const bastion = lines(["-L", "1:a:1", "bastion"], sources);
  assert.ok(bastion.includes("Port 22") && bastion.includes("ProxyJump none"), bastion.join("; "));
});

test("With a command the block keeps the terminal of the file, and each SendEnv that the other name lacks.", () => {
  const sources = configured("Host web\n  RequestTTY force\n  SendEnv MYVAR\nHost *\n  SendEnv LANG\n");
  assert.deepEqual(lines(["web", "top"], sources), [
    "HostName web",
    "RequestTTY force",
    "SendEnv MYVAR",
    "RemoteCommand top",
  ]);
});

test("What only ssh has in a file is no reason to leave the file out.", () => {
  const sources = configured("Host bi\n  HostName 10.5.5.5\n  BindInterface lo\n  LocalForward 1234 x:1\n");
  const { effective, trouble } = resolveTunnel(describeTunnel(["bi"]), sources);
  assert.deepEqual([trouble, forwardsOf(effective)], [undefined, ["local 1234:x:1"]]);
  const none = configured("Host st\n  HostName 10.7.7.7\n  SessionType none\n");
  const resolved = resolveTunnel(describeTunnel(["st", "uptime"]), none);
  assert.deepEqual([resolved.trouble, written(resolved.effective.keywords)[0]], [undefined, "HostName 10.7.7.7"]);
});

test("A Match exec, and its opposite, count as not met and are told.", () => {
  const sources = configured(
    'Match !exec "true"\n  User wrong\nMatch exec "true"\n  User right\nMatch version OpenSSH_*\n  Port 7\n',
  );
  const { effective, skipped } = resolveTunnel(web, sources);
  assert.deepEqual([effective.user, effective.port], [undefined, 7]);
  assert.deepEqual(
    skipped.map((text) => text.replace("/home/anna/.ssh/", "")),
    [
      "config line 1: the command of Match exec is not run: taken as not met",
      "config line 3: the command of Match exec is not run: taken as not met",
    ],
  );
});

test("Words that cannot be right are no trouble of the file.", () => {
  const wrong = describeTunnel(["-o", "HostName=%q", "-L", "1:h:1", "web"]);
  assert.throws(() => resolveTunnel(wrong, alias), /HostName: "%q"/);
});
