import assert from "node:assert/strict";
import { test } from "node:test";
import { printForwardSpec } from "../../../src/codec/words/forward-spec.ts";
import { readRunSettings } from "../../../src/config/run-settings.ts";
import { PorthopError } from "../../../src/errors.ts";
import { memoryConfig } from "../../kit/memory-config.ts";

const user = "/home/anna/.ssh/config";

function settings(files: Readonly<Record<string, string>>, ...words: string[]) {
  return readRunSettings(words, memoryConfig(files));
}

test("User, port and forwards of the file stand in for what was not typed.", () => {
  const config = "Host web\n User file\n Port 2222\n LocalForward 81 b:1\n";
  const { destination, forwards } = settings({ [user]: config }, "-L", "80:a:1", "bob@web");
  assert.deepEqual(destination, { user: "bob", host: "web", port: 2222 });
  assert.deepEqual(
    forwards.map(({ id, spec }) => `${id} ${printForwardSpec(spec)}`),
    ["L1 80:a:1", "L2 81:b:1"],
  );
});

test("-F is read in place of both files, and none of none.", () => {
  const files = { [user]: "User file\n", "/etc/ssh/ssh_config": "Port 7\n", "/other": "User other\n" };
  const said = (...words: string[]) => {
    const { user: name, port } = settings(files, ...words, "web").destination;
    return [name, port];
  };
  assert.deepEqual(said(), ["file", 7]);
  assert.deepEqual(said("-F", "/other"), ["other", undefined]);
  assert.deepEqual(said("-F", "none"), [undefined, undefined]);
  assert.throws(
    () => said("-F", "/no"),
    (error) => error instanceof PorthopError && error.code === "file.cannot-read",
  );
});

test("Variables and tokens are filled into the forwards of flags and of the file alike.", () => {
  const variable = `$${"{SOCKET}"}`;
  const config = `LocalForward 81 ${variable}\nRemoteForward /r/%n.sock %d/x\n`;
  const { forwards } = settings({ [user]: config }, "-L", `/tmp/%h:${variable}`, "web");
  assert.deepEqual(
    forwards.map(({ spec }) => printForwardSpec(spec)),
    ["/tmp/web:/run/agent", "81:/run/agent", "/r/web.sock:/home/anna/x"],
  );
});

test("-W stands alone, and ClearAllForwardings clears those of flags too.", () => {
  const files = { [user]: "LocalForward 81 b:1\n" };
  assert.deepEqual(
    settings(files, "-W", "a:1", "web").forwards.map(({ id }) => id),
    ["W1"],
  );
  assert.deepEqual(settings(files, "-L", "1:a:1", "-o", "ClearAllForwardings=yes", "web").forwards, []);
});

test("A jump host has what its own name has in the file, and of the command line the login.", () => {
  const config =
    "Host gate\n HostName g.example.com\n Port 2200\n User ops\n IdentityFile ~/gate\n ProxyJump outer\n" +
    "Host web\n IdentityFile ~/web\n StrictHostKeyChecking no\n";
  const { hopSettings } = settings({ [user]: config }, "-i", "cli", "-o", "BatchMode=yes", "-J", "gate", "web");
  const hop = hopSettings?.({ user: undefined, host: "gate", port: undefined });
  assert.deepEqual(hop?.destination, { user: "ops", host: "gate", port: 2200 });
  assert.equal(hop?.keywords.text("HostName"), "g.example.com");
  assert.deepEqual([hop?.keywords.all("IdentityFile"), hop?.identityFiles], [["/home/anna/gate"], []]);
  assert.equal(hop?.keywords.text("StrictHostKeyChecking"), undefined);
  assert.equal(hop?.keywords.flag("BatchMode", false), true);
  assert.deepEqual(
    hop?.way.jumps.map(({ host }) => host),
    ["outer"],
  );
  const other = hopSettings?.({ user: "x", host: "other", port: 9 });
  assert.deepEqual([other?.destination, other?.identityFiles], [{ user: "x", host: "other", port: 9 }, ["cli"]]);
});

function fallback(
  config: string,
  words: readonly string[],
  host = "backup",
  own: { user?: string; port?: number } = {},
) {
  const { fallbackSettings } = settings({ [user]: config }, ...words, "-L1:a:1", "web");
  const read = fallbackSettings?.({ host, user: own.user, port: own.port });
  assert.ok(read !== undefined);
  return read;
}

test("A fallback has what its own name has in the file, and nothing that the file has for the destination.", () => {
  const config =
    "Host backup\n HostName b.example.com\n Port 2200\n User ops\n IdentityFile ~/backup\n ProxyJump outer\n HostKeyAlias b\n" +
    "Host web\n User www\n Port 7\n HostKeyAlias w\n IdentityFile ~/web\n ProxyJump gate\n Ciphers aes128-ctr\n";
  const { destination, keywords, identityFiles, way } = fallback(config, []);
  assert.deepEqual(destination, { user: "ops", host: "backup", port: 2200 });
  assert.deepEqual(
    (["HostName", "HostKeyAlias", "IdentityFile", "Ciphers"] as const).map((name) => keywords.text(name)),
    ["b.example.com", "b", "/home/anna/backup", undefined],
  );
  assert.deepEqual([identityFiles, way.jumps.map(({ host }) => host)], [[], ["outer"]]);
});

test("The flags of the command line hold for a fallback where it and its files say nothing.", () => {
  const words =
    "-l bob -p 2222 -i key -J gate -C -c aes128-ctr -4 -o BatchMode=yes -o HostKeyAlias=w -o HostName=w".split(" ");
  const bare = fallback("", words);
  assert.deepEqual(bare.destination, { user: "bob", host: "backup", port: 2222 });
  assert.deepEqual([bare.identityFiles, bare.way.jumps.map(({ host }) => host)], [["key"], ["gate"]]);
  const said = (["Compression", "Ciphers", "AddressFamily", "BatchMode", "HostKeyAlias", "HostName"] as const).map(
    (name) => bare.keywords.text(name),
  );
  assert.deepEqual(said, ["yes", "aes128-ctr", "inet", "yes", undefined, undefined]);
  const config =
    "User ops\nPort 23\nIdentityFile ~/own\nProxyJump none\nCiphers aes256-ctr\nCompression no\nBatchMode no\n";
  const own = fallback(`Host backup\n${config}`, words);
  assert.deepEqual([own.destination, own.identityFiles], [{ user: "ops", host: "backup", port: 23 }, []]);
  assert.deepEqual(own.way.jumps, []);
  assert.deepEqual([own.keywords.text("Ciphers"), own.keywords.flag("BatchMode", true)], ["aes256-ctr", false]);
  assert.deepEqual(fallback("", words, "backup", { user: "carl", port: 24 }).destination, {
    user: "carl",
    host: "backup",
    port: 24,
  });
});

test("A ProxyCommand that is typed leads to a fallback too, unless its files name jump hosts.", () => {
  const words = ["-o", "ProxyCommand=nc %h %p", "-o", "ProxyJump=gate"];
  assert.deepEqual(fallback("", words).way, { jumps: [], proxyCommand: "nc %h %p" });
  assert.deepEqual(
    fallback("Host backup\n ProxyJump outer\n", words).way.jumps.map(({ host }) => host),
    ["outer"],
  );
  assert.equal(fallback("Host backup\n ProxyCommand none\n", words).way.proxyCommand, undefined);
});

test("The user of the command line is the one that the files see for a fallback, in Match and in tokens.", () => {
  const config = "Match user bob\n Port 7\nHost *\n IdentityFile ~/%r-%h\n";
  const { destination, keywords } = fallback(config, ["-l", "bob"]);
  assert.deepEqual([destination.port, keywords.text("IdentityFile")], [7, "/home/anna/bob-backup"]);
});

test("Match sessiontype and command look at what the words ask for, and of a jump host only connections are wanted.", () => {
  const config =
    "Match sessiontype none\n User none\nMatch sessiontype exec command ls*\n User exec\n" +
    'Match sessiontype shell command ""\n User shell\n';
  const userOf = (...words: string[]) => settings({ [user]: config }, "-L1:a:1", ...words).destination.user;
  assert.equal(userOf("web"), "none");
  assert.equal(userOf("-N", "web"), "none");
  assert.equal(userOf("web", "ls", "-l"), "exec");
  assert.equal(userOf("-t", "web"), "shell");
  const { hopSettings } = settings({ [user]: config }, "-t", "web");
  assert.equal(hopSettings?.({ user: undefined, host: "gate", port: undefined }).destination.user, "none");
});

test("-P sets the tag that Match tagged looks at.", () => {
  const config = "Tag home\nMatch tagged work\n User worker\nMatch tagged home\n Port 7\n";
  const { user: name, port } = settings({ [user]: config }, "-P", "work", "-L1:a:1", "web").destination;
  assert.deepEqual([name, port], ["worker", undefined]);
  assert.equal(settings({ [user]: config }, "-L1:a:1", "web").destination.port, 7);
});
