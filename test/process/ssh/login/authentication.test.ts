import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { loadSsh2 } from "../../../../src/ssh/loader.ts";
import { Answers, ctrlC } from "../../../kit/answers.ts";
import { folder, logIn, refusedLogin, rounds, tried } from "../../../kit/auth-login.ts";
import { need } from "../../../kit/packages.ts";
import { run } from "../../../kit/run.ts";
import { startSshAgent } from "../../../kit/ssh-agent.ts";
import { startSshServer } from "../../../kit/ssh-server.ts";
import { startSshd } from "../../../kit/sshd.ts";

const limits = { skip: need("sshd", "ssh-keygen", "ssh-agent", "ssh-add"), timeout: 60_000 };
let made = 0;

/** A fresh key. RSA is kept small: a large one may take seconds to find. */
function newKey(type: "ed25519" | "ecdsa" | "rsa" = "ed25519", passphrase = "") {
  const file = join(folder, `key-${++made}`);
  const size = type === "rsa" ? ["-b", "2048"] : [];
  execFileSync("ssh-keygen", ["-q", "-t", type, ...size, "-N", passphrase, "-C", "a comment", "-f", file]);
  return { file, publicKey: readFileSync(`${file}.pub`, "utf8").trim() };
}

test("Methods that are turned off are not tried, and the error names the keyword", limits, async () => {
  await using server = await startSshServer({ password: "right" });
  const error = await refusedLogin(server, { passwordAuthentication: false, prompter: new Answers() });
  assert.match(error.hint, /the server takes password, which PasswordAuthentication no turns off/);
  const { file, publicKey } = newKey();
  await using other = await startSshServer({ publicKey });
  const second = await refusedLogin(other, { pubkeyAuthentication: false, files: [file] });
  assert.match(second.hint, /PubkeyAuthentication no/);
  assert.deepEqual(tried(other), ["none refused"]);
});

test("Key files are tried in order, each once, and only one that the server would take signs", limits, async () => {
  const [first, second] = [newKey("ecdsa"), newKey()];
  await using server = await startSshServer({ publicKey: second.publicKey });
  const { error } = await logIn(server, { files: [first.file, first.file, second.file, first.file] });
  assert.equal(error, undefined);
  assert.deepEqual(tried(server), ["none refused", "publickey refused", "publickey probed", "publickey accepted"]);
});

test("A refused key is named in the error", limits, async () => {
  const { file } = newKey();
  await using server = await startSshServer({ publicKey: newKey().publicKey });
  const error = await refusedLogin(server, { files: [file] });
  const label = `~${file.slice(folder.length)}`;
  assert.equal(
    error.message,
    `127.0.0.1:${server.port} refused the login of "vishnu": tried publickey (${label}); the server takes publickey`,
  );
});

test("With nothing to offer the hint says how to get a key", limits, async () => {
  await using server = await startSshServer({ publicKey: newKey().publicKey });
  const error = await refusedLogin(server);
  assert.match(error.message, /tried nothing; the server takes publickey/);
  assert.match(error.hint, /-i.*ssh-keygen/);
});

test("A passphrase is asked for only once the server would take the key", limits, async () => {
  const [locked, open] = [newKey("ed25519", "secret"), newKey()];
  await using server = await startSshServer({ publicKey: open.publicKey });
  const prompter = new Answers();
  assert.equal((await logIn(server, { files: [locked.file, open.file], prompter })).error, undefined);
  assert.deepEqual(prompter.shown, []);
});

test("A locked key is opened with its passphrase, at the third try at the latest", limits, async () => {
  const { file, publicKey } = newKey("ecdsa", "secret");
  await using server = await startSshServer({ publicKey });
  const prompter = new Answers("wrong", "false", "secret");
  const { error, log } = await logIn(server, { files: [file], prompter });
  assert.equal(error, undefined);
  assert.equal(prompter.shown[0]?.text, `Enter passphrase for key '~${file.slice(folder.length)}': `);
  assert.doesNotMatch(log, /secret|wrong|false/);
});

test(
  "After three wrong passphrases the next method has its turn, and the error tells why the key failed",
  limits,
  async () => {
    const { file, publicKey } = newKey("ed25519", "secret");
    await using server = await startSshServer({ publicKey, password: "right" });
    const error = await refusedLogin(server, { files: [file], prompter: new Answers("1", "2", "3", "4", "5", "6") });
    assert.match(error.hint, /wrong passphrase for ~\/key-\d+/);
    assert.match(error.message, /tried publickey \(~\/key-\d+\), password \(3 times\)/);
  },
);

test("An empty passphrase goes on without the key", limits, async () => {
  const { file, publicKey } = newKey("ed25519", "secret");
  await using server = await startSshServer({ publicKey, password: "right" });
  assert.equal((await logIn(server, { files: [file], prompter: new Answers("", "right") })).error, undefined);
});

test("A locked key without a terminal is an error that says to use the agent", limits, async () => {
  const { file, publicKey } = newKey("ed25519", "secret");
  await using server = await startSshServer({ publicKey });
  assert.match((await refusedLogin(server, { files: [file] })).hint, /locked by a passphrase.*ssh-add/);
});

test("A locked key whose public part nobody knows is opened when its turn comes", limits, async () => {
  const { file, publicKey } = newKey("ecdsa", "secret");
  await run("ssh-keygen", ["-q", "-p", "-m", "PEM", "-P", "secret", "-N", "secret", "-f", file]);
  rmSync(`${file}.pub`);
  await using server = await startSshServer({ publicKey });
  assert.equal((await logIn(server, { files: [file], prompter: new Answers("secret") })).error, undefined);
});

test("A .pub file of another key is found out before a signature is sent", limits, async () => {
  const [key, other] = [newKey("ecdsa"), newKey("ecdsa")];
  await run("ssh-keygen", ["-q", "-p", "-m", "PEM", "-P", "", "-N", "", "-f", key.file]);
  copyFileSync(`${other.file}.pub`, `${key.file}.pub`);
  await using server = await startSshServer({ publicKey: other.publicKey });
  assert.match((await refusedLogin(server, { files: [key.file] })).hint, /two different keys/);
  assert.deepEqual(tried(server), ["none refused", "publickey probed"]);
});

test("A key that was left out for its permissions is why the login failed", limits, async () => {
  const { file, publicKey } = newKey();
  chmodSync(file, 0o644);
  await using server = await startSshServer({ publicKey });
  const error = await refusedLogin(server, { files: [file] });
  assert.match(error.hint, /ignored because others can read it: chmod 600 ~\/key-\d+/);
  assert.deepEqual(tried(server), ["none refused"]);
});

test("A key and then keyboard-interactive: each step goes on from the one before", limits, async () => {
  const { file, publicKey } = newKey();
  await using agent = await startSshAgent();
  await agent.add(file);
  for (const keys of [{ files: [file] }, { agentSocket: agent.socket }]) {
    await using server = await startSshServer({ publicKey, rounds, require: ["publickey", "keyboard-interactive"] });
    const prompter = new Answers("me", "123456", "654321");
    assert.equal((await logIn(server, { ...keys, prompter })).error, undefined);
    assert.deepEqual(tried(server).slice(-2), ["publickey partial", "keyboard-interactive accepted"]);
  }
});

test("The error of a login that got half way says how far it got", limits, async () => {
  const { file, publicKey } = newKey();
  await using server = await startSshServer({ publicKey, password: "right", require: ["publickey", "password"] });
  const error = await refusedLogin(server, { files: [file], prompter: new Answers("1", "2", "3") });
  assert.match(
    error.message,
    /: accepted publickey as a part of it, tried password \(3 times\); the server takes password$/,
  );
  const silent = await refusedLogin(server, { files: [file] });
  assert.match(
    silent.message,
    /: accepted publickey as a part of it, then tried nothing more; the server takes password$/,
  );
  assert.match(silent.hint, /no terminal/);
});

test("Keys of the agent come first, those named by files before its others, and no key twice", limits, async () => {
  const [stranger, named, onFile] = [newKey(), newKey(), newKey()];
  await using agent = await startSshAgent();
  await agent.add(stranger.file, named.file);
  await using server = await startSshServer({ publicKey: newKey().publicKey });
  const { log, error } = await logIn(server, { agentSocket: agent.socket, files: [onFile.file, named.file] });
  assert.deepEqual(
    [...log.matchAll(/offering the public key (.*)$/gm)].map(([, text]) => text),
    ["a comment of the agent", "a comment of the agent", `~${onFile.file.slice(folder.length)}`],
  );
  assert.match(error?.message ?? "", /tried publickey \(~\/key-\d+, 2 agent keys\)/);
  assert.equal(server.counts.attempts.length, 4);
  await using accepting = await startSshServer({ publicKey: named.publicKey });
  assert.equal((await logIn(accepting, { agentSocket: agent.socket, files: [named.file] })).error, undefined);
  assert.deepEqual(tried(accepting), ["none refused", "publickey probed", "publickey accepted"]);
});

test("IdentitiesOnly keeps the agent's other keys back, and a .pub file is enough to name one", limits, async () => {
  const [stranger, named] = [newKey(), newKey("rsa")];
  await using agent = await startSshAgent();
  await agent.add(stranger.file, named.file);
  await using server = await startSshServer({ publicKey: named.publicKey });
  const only = { agentSocket: agent.socket, identitiesOnly: true };
  assert.equal((await logIn(server, { ...only, files: [`${named.file}.pub`] })).error, undefined);
  assert.deepEqual(tried(server), ["none refused", "publickey probed", "publickey accepted"]);
  const error = await refusedLogin(server, { ...only, files: [`${newKey().file}.pub`] });
  assert.match(error.message, /tried nothing/);
  assert.match(error.hint, /only the public half/);
});

test("A dead agent, and one that hangs, are gone on without", limits, async () => {
  const { file, publicKey } = newKey();
  await using server = await startSshServer({ publicKey });
  const dead = await logIn(server, { agentSocket: join(folder, "nobody"), files: [file] });
  assert.equal(dead.error, undefined);
  assert.equal(dead.log.match(/ssh-agent/g)?.length, 1);
  assert.match(dead.log, /^debug going on without ssh-agent/m);
  const hanging = createServer((socket) => socket.on("error", () => {}).resume());
  const path = join(folder, "hanging");
  await new Promise<void>((resolve) => hanging.listen(path, resolve));
  const waited = await logIn(server, { agentSocket: path, files: [file] });
  assert.equal(waited.error, undefined);
  assert.match(waited.log, /did not answer within 0.2 s/);
  const error = await refusedLogin(server, { agentSocket: join(folder, "nobody") });
  assert.match(error.hint, /ssh-agent was of no help/);
  await new Promise<void>((resolve) => hanging.close(() => resolve()));
});

test("A demand for a new password is answered, and giving up there ends the login", limits, async () => {
  const ssh2 = await loadSsh2();
  const changes: string[] = [];
  const server = new ssh2.Server({ hostKeys: [readFileSync(newKey().file)] }, (connection) => {
    connection.on("error", () => {});
    connection.on("authentication", (context) => {
      if (context.method !== "password") return context.reject(["password"]);
      context.requestChange("Expired\u001b[2J", (fresh) => {
        changes.push(fresh);
        context.accept();
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const peer = { host: "127.0.0.1", port };
  const prompter = new Answers("old", "new1", "new2", "new", "new");
  assert.equal((await logIn(peer, { prompter })).error, undefined);
  assert.deepEqual(changes, ["new"]);
  assert.match(prompter.text, /inform Expired\\x1b\[2J\nsecret Enter vishnu@127.0.0.1's new password: /);
  const declined = await refusedLogin(peer, { prompter: new Answers("old", "") });
  assert.match(declined.message, /gave up the login of "vishnu" at .*: the server wants a new password/);
  assert.equal((await refusedLogin(peer, { prompter: new Answers("old", ctrlC) })).code, "cancelled");
  await new Promise<void>((resolve) => server.close(() => resolve()));
});

test("A real sshd takes keys of all types from files and from the agent", limits, async () => {
  const keys = [newKey(), newKey("ecdsa"), newKey("rsa"), newKey("rsa", "secret")];
  await using sshd = await startSshd({ authorizedKeys: keys.map(({ publicKey }) => publicKey) });
  for (const { file } of keys) {
    const { error } = await logIn(sshd, { user: sshd.user, files: [file], prompter: new Answers("secret") });
    assert.equal(error, undefined, error?.message);
  }
  for (const { file } of keys.slice(0, 3)) {
    await using agent = await startSshAgent();
    await agent.add(file);
    assert.equal((await logIn(sshd, { user: sshd.user, agentSocket: agent.socket })).error, undefined);
  }
});

test("A real sshd with two keys in a row is satisfied from the agent", limits, async () => {
  const keys = [newKey(), newKey("ecdsa")];
  const config = ["AuthenticationMethods publickey,publickey"];
  await using sshd = await startSshd({ config, authorizedKeys: keys.map(({ publicKey }) => publicKey) });
  await using agent = await startSshAgent();
  await agent.add(...keys.map(({ file }) => file));
  assert.equal((await logIn(sshd, { user: sshd.user, agentSocket: agent.socket })).error, undefined);
});

test("A server that asks for a public key twice gets the same key again, as from ssh", limits, async () => {
  const { file, publicKey } = newKey();
  await using server = await startSshServer({ publicKey, require: ["publickey", "publickey"] });
  assert.equal((await logIn(server, { files: [file] })).error, undefined);
  const ours = tried(server);
  assert.deepEqual(ours, [
    "none refused",
    ...["publickey probed", "publickey partial"],
    ...["publickey probed", "publickey accepted"],
  ]);
  const options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "BatchMode=yes", "IdentitiesOnly=yes"];
  const flags = ["-F", "none", "-N", "-o", "ExitOnForwardFailure=yes", ...options.flatMap((option) => ["-o", option])];
  // ssh logs in, and ends because nobody listens for what is forwarded.
  const forward = ["-R", "/nonexistent/folder/socket:localhost:1"];
  await run("ssh", [...flags, ...forward, "-i", file, "-p", String(server.port), `vishnu@${server.host}`]);
  assert.deepEqual(tried(server).slice(ours.length), ours);
});

test("Keys that had no turn yet come first when the server wants another step, as from ssh", limits, async () => {
  const [first, second, third] = [newKey(), newKey("ecdsa"), newKey()];
  const config = ["AuthenticationMethods publickey,publickey"];
  await using sshd = await startSshd({ config, authorizedKeys: [second.publicKey, third.publicKey] });
  const { error, log } = await logIn(sshd, { user: sshd.user, files: [first.file, second.file, third.file] });
  assert.equal(error, undefined);
  const offered = [...log.matchAll(/offering the public key (.*)$/gm)].map(([, label]) => label);
  assert.deepEqual(
    offered,
    [first, second, third].map(({ file }) => `~${file.slice(folder.length)}`),
  );
  const lonely = await refusedLogin(sshd, { user: sshd.user, files: [second.file] });
  assert.match(lonely.message, /accepted publickey as a part of it, tried publickey \(~\/key-\d+\)/);
});

test(
  "An agent with more keys than MaxAuthTries: the error says how to choose one, and so chosen it works",
  limits,
  async () => {
    const keys = Array.from({ length: 4 }, () => newKey());
    const last = newKey();
    await using sshd = await startSshd({ config: ["MaxAuthTries 3"], authorizedKeys: [last.publicKey] });
    await using agent = await startSshAgent();
    await agent.add(...keys.map(({ file }) => file));
    const all = { user: sshd.user, agentSocket: agent.socket, files: [last.file] };
    const error = await refusedLogin(sshd, all);
    assert.match(
      error.message,
      /ended the login of ".*" \(.*Too many authentication failures.*\): tried publickey \(3 agent keys\)/,
    );
    assert.match(error.hint, /MaxAuthTries.*-i FILE -o IdentitiesOnly=yes/);
    assert.equal((await logIn(sshd, { ...all, identitiesOnly: true })).error, undefined);
  },
);
