/** Keys, passphrases and agents that do not do: the login fails with what was tried, what stood in its way, what to do. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { launch } from "../kit/launch.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { porthop } from "../kit/porthop.ts";
import { pty } from "../kit/pty.ts";
import { freePort } from "../kit/servers.ts";
import { startSshServer } from "../kit/ssh-server.ts";
import { makeKey, type Sshd, startSshd } from "../kit/sshd.ts";
import { removeTemp, tempDirectory } from "../kit/temp.ts";
import { assertClean, assertFails, assertTold, type Failure, runToEnd } from "./failure.ts";
import { normalUser, normalUserTools } from "./normal-user.ts";

builtExecutable();
const missing = need("sshd", "ssh-keygen");
const limits = { skip: missing, timeout: 60_000 };
const theSshd = shared(() => startSshd());
const theUser = shared(() => normalUser());
const folder = tempDirectory("bad-keys");
after(() => removeTemp(folder));

const failed = { exit: 255, code: "ssh.auth-failed", leg: 2 } as const;

/** All that it takes to reach the sshd, but none of its keys. */
async function words(sshd: Sshd, ...more: readonly string[]): Promise<string[]> {
  const args = sshd.sshArgs.filter((word, index, all) => word !== "-i" && all[index - 1] !== "-i");
  return ["-L", `${await freePort()}:localhost:80`, ...more, ...args, sshd.host];
}

async function assertLoginFails(more: readonly string[], expected: Omit<Failure, keyof typeof failed>): Promise<void> {
  const sshd = await theSshd();
  const says = [`${sshd.host}:${sshd.port} refused the login of "${sshd.user}"`, "publickey", ...expected.says];
  await assertFails(await words(sshd, ...more), { ...failed, ...expected, says });
}

/** A file with this text and mode. */
function file(name: string, content: string | Uint8Array, mode = 0o600): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

test("A key file that is not there is named.", limits, async () => {
  const path = join(folder, "nothing-here");
  await assertLoginFails(["-i", path], {
    says: ["tried nothing"],
    hint: new RegExp(`${path}: no such file or directory`),
    before: [new RegExp(`^porthop: warning: .*${path} not accessible: no such file or directory$`)],
  });
});

test("A key file that holds no key is named with what is wrong with it.", limits, async () => {
  const half = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU\n";
  const contents: readonly (readonly [string, string | Uint8Array])[] = [
    ["empty", ""],
    ["words", "this is no key\n"],
    ["bytes", Uint8Array.from({ length: 4096 }, (_, index) => (index * 167) % 256)],
    ["zeros", new Uint8Array(4096)],
    ["half", half],
    ["hollow", `${half}-----END OPENSSH PRIVATE KEY-----\n`],
    ["pem", "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n"],
    ["pkcs8", "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n"],
    ["escapes", "-----BEGIN \u001b[31mRED\u001b[0m KEY-----\n\u001b[2J\n-----END\n"],
    ["large", "x".repeat(2 * 1024 * 1024)],
  ];
  for (const [name, content] of contents) {
    const path = file(name, content);
    const exit = await runToEnd(["run", ...(await words(await theSshd(), "-i", path))]);
    assert.deepEqual([exit.code, /\[ssh\.auth-failed\]$/m.test(exit.stderr)], [255, true], exit.stderr);
    assert.match(exit.stderr, new RegExp(`^porthop: warning: .*${path}`, "m"), `the warning names ${name}`);
    assert.match(exit.stderr, new RegExp(`^ {2}hint: .*${path}`, "m"), `the hint names ${name}`);
    assertClean(exit);
  }
  await assertLoginFails(["-i", folder], {
    says: ["tried nothing"],
    hint: /it is a directory/,
    before: [/directory/],
  });
});

test("A key that others can read is not used, and the hint is the command that mends it.", limits, async () => {
  const path = join(folder, "open");
  copyFileSync((await theSshd()).keyFile, path);
  chmodSync(path, 0o644);
  await assertLoginFails(["-i", path], {
    says: ["tried nothing"],
    hint: new RegExp(`chmod 600 ${path}`),
    before: [new RegExp(`unprotected private key file: permissions 0644 of ${path}`)],
  });
});

test("A key that may not be read is named.", { ...limits, skip: missing || need(...normalUserTools) }, async () => {
  const sshd = await theSshd();
  const user = await theUser();
  const path = join(user.home, "unreadable");
  copyFileSync(sshd.keyFile, path);
  chmodSync(path, 0);
  // The sshd's own files are in a folder that only we can look into.
  const known = join(user.home, "known_hosts");
  copyFileSync(sshd.knownHostsFile, known);
  const exit = await user.run(["run", "-i", path, "-o", `UserKnownHostsFile=${known}`, ...(await words(sshd))]);
  // Shown as it would be typed: ~/unreadable.
  const says = [`${sshd.host}:${sshd.port} refused the login of "${sshd.user}"`, "tried nothing"];
  const before = [/~\/unreadable not accessible: permission denied$/];
  assertTold(exit, { ...failed, says, hint: /~\/unreadable: permission denied/, before });
});

test("A key that the server does not know is refused, and named.", limits, async () => {
  const path = makeKey(join(folder, "stranger"));
  await assertLoginFails(["-i", path], { says: [`tried publickey (${path})`, "the server takes publickey"] });
});

test("The public half of a key is not enough.", limits, async () => {
  const path = `${makeKey(join(folder, "own"))}.pub`;
  await assertLoginFails(["-i", path], { says: ["tried nothing"], hint: /own\.pub is only the public half/ });
});

test("A path too long for any file is named and cut.", limits, async () => {
  await assertLoginFails(["-i", `/${"x".repeat(10_000)}`], {
    says: ["tried nothing"],
    hint: /^\/x{200,300}…: .{1,60}$/,
    before: [/^porthop: warning: .{0,50}\/x{200,300}… not accessible: .{1,60}$/],
  });
});

test("Ctrl-C ends a porthop that waits for a key on a pipe to which nobody writes.", {
  ...limits,
  skip: missing || need("mkfifo"),
}, async () => {
  const path = join(folder, "fifo");
  assert.equal(spawnSync("mkfifo", [path]).status, 0);
  await using program = porthop(["run", "--json", ...(await words(await theSshd(), "-i", path))]);
  await program.event("session");
  await program.stderr(/^connecting/m);
  program.signal("SIGINT");
  assert.equal((await program.exit).code, 130);
});

test("A locked key without a terminal is named, with the way through ssh-agent.", limits, async () => {
  const path = makeKey(join(folder, "locked"), "ed25519", "correct horse");
  await using sshd = await startSshd({ authorizedKeys: [publicHalf(path)] });
  await assertFails(await words(sshd, "-i", path), {
    ...failed,
    says: [`"${sshd.user}"`, path],
    hint: new RegExp(`${path} is locked by a passphrase, and there is nobody to ask for it: .*ssh-add`),
    before: [/locked by a passphrase/],
  });
});

test("A wrong passphrase is asked for three times and never shown.", {
  ...limits,
  skip: missing || need("script", "stty"),
}, async () => {
  const path = makeKey(join(folder, "passphrase"), "ed25519", "correct horse");
  await using sshd = await startSshd({ authorizedKeys: [publicHalf(path)] });
  const { command, env, cwd } = launch(["run", "-vv", "-o", "BatchMode=no", ...(await words(sshd, "-i", path))]);
  await using terminal = pty(command, { env, cwd, columns: 200 });
  let after = 0;
  for (const guess of ["battery-staple", "tr0ub4dor", "letmein-please"]) {
    await terminal.screen(/^Enter passphrase for key '.*passphrase': /m, { after });
    after = terminal.send(`${guess}\r`);
  }
  assert.equal(await terminal.exit, 255);
  assert.match(terminal.text, /^porthop: .*refused the login.*\[ssh\.auth-failed\]\r?$/m);
  assert.match(terminal.text, /^ {2}hint: wrong passphrase for .*passphrase/m);
  assert.doesNotMatch(terminal.raw, /battery|staple|tr0ub|letmein|correct|horse/);
});

test("A server that takes passwords only is no use without a terminal, and the hint says so.", limits, async () => {
  await using server = await startSshServer({ password: "secret-word" });
  await assertFails(["-L", `${await freePort()}:localhost:80`, "-l", "alice", ...server.sshArgs, server.host], {
    ...failed,
    says: [`${server.host}:${server.port} refused the login of "alice"`, "the server takes password"],
    hint: /there is no terminal to ask on: use a key \(-i\) or ssh-agent/,
  });
});

test("An ssh-agent that is gone or something else is passed over and told in the hint.", limits, async () => {
  const sshd = await theSshd();
  const socket = join(folder, "babbler");
  const babbler = createServer((connection) => connection.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
  await new Promise<void>((resolve) => babbler.listen(socket, resolve));
  try {
    for (const path of [join(folder, "gone"), socket, folder]) {
      const exit = await runToEnd(["run", ...(await words(sshd))], { env: { SSH_AUTH_SOCK: path } });
      assertTold(exit, { ...failed, says: ["tried nothing"], hint: /^ssh-agent was of no help: / });
    }
  } finally {
    babbler.close();
  }
});

test("A server that ends the login after a few keys is told from one that refuses a key.", limits, async () => {
  await using sshd = await startSshd({ config: ["MaxAuthTries 2"] });
  const keys = ["one", "two", "three"].flatMap((name) => ["-i", makeKey(join(folder, name))]);
  await assertFails(await words(sshd, ...keys), {
    ...failed,
    says: ["ended the login", "Too many authentication failures"],
    hint: /MaxAuthTries.*IdentitiesOnly=yes/,
  });
});

test("A cipher that nobody has is named.", limits, async () => {
  const says = ['"rot13" is no cipher that ssh knows'];
  await assertFails(await words(await theSshd(), "-c", "rot13,rot14"), { exit: 2, code: "usage", says });
});

test("A home without rights to look into is no reason to fail in any other way.", limits, async () => {
  const home = join(folder, "home");
  mkdirSync(join(home, ".ssh", "id_ed25519"), { recursive: true });
  file("home/.ssh/id_rsa", "garbage");
  const exit = await runToEnd(["run", ...(await words(await theSshd()))], { home });
  assertTold(exit, { ...failed, says: ["tried nothing"] });
});

function publicHalf(path: string): string {
  return readFileSync(`${path}.pub`, "utf8").trim();
}
