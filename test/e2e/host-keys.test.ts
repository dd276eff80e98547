/** Whom porthop believes: StrictHostKeyChecking over known_hosts, with ssh-keygen and ssh as the judges of the files. */
import assert from "node:assert/strict";
import { appendFileSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { launch } from "../kit/launch.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { porthop } from "../kit/porthop.ts";
import { type Pty, pty } from "../kit/pty.ts";
import { run } from "../kit/run.ts";
import { freePort } from "../kit/servers.ts";
import { type Sshd, startSshd } from "../kit/sshd.ts";
import { tempDirectory } from "../kit/temp.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh", "ssh-keygen", "script", "stty"), timeout: 60_000 };
const theSshd = shared(() => startSshd());

test("An unknown key is refused with yes, and nothing is written.", limits, async () => {
  const sshd = await theSshd();
  const file = freshFile();
  const refused = await attempt(sshd, file, "yes");
  assert.deepEqual([refused.exit, refused.error], [255, "ssh.host-key-unknown"]);
  assert.equal(existsSync(file), false);
});

for (const strict of ["accept-new", "no", "off"]) {
  test(`An unknown key is accepted and written down with ${strict}, so that ssh knows it too.`, limits, async () => {
    const sshd = await theSshd();
    const file = freshFile();
    const accepted = await attempt(sshd, file, strict);
    assert.equal(accepted.exit, 0);
    assert.match(accepted.stderr, /^porthop: warning: .*permanently added \[127\.0\.0\.1\]:\d+ \(ED25519 SHA256:/m);
    assert.equal(readFileSync(file, "utf8"), readFileSync(sshd.knownHostsFile, "utf8"));
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.equal((await attempt(sshd, file, "yes")).exit, 0);
    const strictly = ["-o", "StrictHostKeyChecking=yes", "-o", `UserKnownHostsFile=${file}`];
    assert.equal((await run("ssh", [...strictly, ...sshd.sshArgs, sshd.host, "true"])).code, 0);
  });
}

test("Several that accept a new key at the same time write one line.", limits, async () => {
  const sshd = await theSshd();
  const file = freshFile();
  const attempts = await Promise.all(Array.from({ length: 4 }, () => attempt(sshd, file, "accept-new")));
  for (const { exit, stderr } of attempts) assert.equal(exit, 0, stderr);
  assert.equal(readFileSync(file, "utf8"), readFileSync(sshd.knownHostsFile, "utf8"));
});

test("Without a terminal, ask prints the fingerprint and the line that makes it work.", limits, async () => {
  const sshd = await theSshd();
  const file = freshFile();
  const refused = await attempt(sshd, file, "ask");
  assert.deepEqual([refused.exit, refused.error], [255, "ssh.host-key-unknown"]);
  assert.ok(refused.stderr.includes(await fingerprint(sshd)), refused.stderr);
  const line = /then add this line to \S+: (.*)$/m.exec(refused.stderr)?.[1];
  assert.equal(existsSync(file), false);
  appendFileSync(file, `${line}\n`);
  assert.equal((await attempt(sshd, file, "ask")).exit, 0);
});

test("On a terminal, yes is asked for with the fingerprint, and remembered.", limits, async () => {
  const sshd = await theSshd();
  const file = freshFile();
  await using screen = await inTerminal(sshd, file);
  await screen.screen(/The authenticity of host '\[127\.0\.0\.1\]:\d+ \(127\.0\.0\.1\)' can't be established/);
  const asked = await screen.screen(/ED25519 key fingerprint is (SHA256:\S+)\..*Are you sure/s);
  assert.equal(asked[1], await fingerprint(sshd));
  screen.send("yes\r");
  await screen.screen(/ready/);
  assert.equal(readFileSync(file, "utf8"), readFileSync(sshd.knownHostsFile, "utf8"));
});

test("On a terminal, no ends the connection and remembers nothing.", limits, async () => {
  const file = freshFile();
  await using screen = await inTerminal(await theSshd(), file);
  await screen.screen(/Are you sure/);
  screen.send("no\r");
  await screen.screen(/was not accepted.*\[ssh\.host-key-unknown\]/s);
  assert.equal(await screen.exit, 255);
  assert.equal(existsSync(file), false);
});

test(
  "On a terminal, the right fingerprint is as good as yes, and a wrong one is asked for again.",
  limits,
  async () => {
    const sshd = await theSshd();
    await using screen = await inTerminal(sshd, freshFile());
    await screen.screen(/Are you sure/);
    const again = screen.send(`SHA256:${"A".repeat(43)}\r`);
    await screen.screen(/Please type 'yes', 'no' or the fingerprint/, { after: again });
    screen.send(`${await fingerprint(sshd)}\r`);
    await screen.screen(/ready/);
  },
);

test("Ctrl-C at the question ends porthop with 130.", limits, async () => {
  const file = freshFile();
  await using screen = await inTerminal(await theSshd(), file);
  await screen.screen(/Are you sure/);
  screen.send("\u0003");
  assert.equal(await screen.exit, 130);
  assert.equal(existsSync(file), false);
});

for (const strict of ["yes", "accept-new", "ask", "no"]) {
  test(`A changed key is refused with ${strict}, and the known one stays.`, limits, async () => {
    const { sshd, file, known } = await changedKey();
    await using _sshd = sshd;
    const refused = await attempt(sshd, file, strict);
    assert.deepEqual([refused.exit, refused.error], [255, "ssh.host-key-changed"]);
    assert.ok(refused.stderr.includes(await fingerprint(sshd)), refused.stderr);
    assert.equal(readFileSync(file, "utf8"), known);
  });
}

test(
  "Nobody is asked about a changed key on a terminal, and the command in the hint removes the old one.",
  limits,
  async () => {
    const { sshd, file } = await changedKey();
    await using _sshd = sshd;
    await using screen = await inTerminal(sshd, file);
    await screen.screen(/\[ssh\.host-key-changed\]/);
    const [, command = ""] = await screen.screen(/(ssh-keygen -f \S+ -R \S+)/);
    assert.equal(await screen.exit, 255);
    assert.doesNotMatch(screen.text, /Are you sure/);
    assert.equal((await run("sh", ["-c", command])).code, 0);
    assert.equal((await attempt(sshd, file, "accept-new")).exit, 0);
  },
);

test("A revoked key is refused whatever else is known of it.", limits, async () => {
  const sshd = await theSshd();
  const file = freshFile();
  writeFileSync(file, `${readFileSync(sshd.knownHostsFile, "utf8")}@revoked * ${sshd.hostKeys[0]}\n`);
  for (const strict of ["yes", "no"]) {
    const refused = await attempt(sshd, file, strict);
    assert.deepEqual([refused.exit, refused.error], [255, "ssh.host-key-revoked"], strict);
    assert.ok(refused.stderr.includes(`${file}:2`), refused.stderr);
  }
});

test("A file that ssh-keygen -H has hashed is understood.", limits, async () => {
  const sshd = await theSshd();
  const file = freshFile();
  writeFileSync(file, readFileSync(sshd.knownHostsFile, "utf8"));
  assert.equal((await run("ssh-keygen", ["-H", "-f", file])).code, 0);
  assert.match(readFileSync(file, "utf8"), /^\|1\|/);
  assert.equal((await attempt(sshd, file, "yes")).exit, 0);
});

test("With HashKnownHosts the name is hashed, and ssh-keygen -F finds it.", limits, async () => {
  const sshd = await theSshd();
  const file = freshFile();
  assert.equal((await attempt(sshd, file, "accept-new", ["-o", "HashKnownHosts=yes"])).exit, 0);
  assert.match(readFileSync(file, "utf8"), /^\|1\|[^\s|]+\|[^\s|]+ ssh-ed25519 /);
  const found = await run("ssh-keygen", ["-F", `[${sshd.host}]:${sshd.port}`, "-f", file]);
  assert.deepEqual([found.code, found.stdout.includes(sshd.hostKeys[0] ?? "-")], [0, true]);
});

test("The host on another port is another host.", limits, async () => {
  const sshd = await theSshd();
  const file = freshFile();
  await using other = await startSshd();
  writeFileSync(
    file,
    `[${sshd.host}]:${sshd.port} ${other.hostKeys[0]}\n[${other.host}]:${other.port} ${other.hostKeys[0]}\n`,
  );
  assert.equal((await attempt(other, file, "yes")).exit, 0);
  assert.equal((await attempt(sshd, file, "yes")).error, "ssh.host-key-changed");
});

test("Of several host keys the server is asked for the one that is known.", limits, async () => {
  await using sshd = await startSshd({ hostKeys: ["ed25519", "ecdsa", "rsa"] });
  for (const key of sshd.hostKeys) {
    const file = freshFile();
    writeFileSync(file, `[${sshd.host}]:${sshd.port} ${key}\n`);
    assert.equal((await attempt(sshd, file, "yes")).exit, 0, key.split(" ")[0]);
  }
});

test("Without -o, ~/.ssh/known_hosts is the file, and it is made with its folder.", limits, async () => {
  const sshd = await theSshd();
  const home = tempDirectory("home");
  const settings = ["-o", "StrictHostKeyChecking=accept-new"];
  await using program = porthop(await words(sshd, settings), { home });
  await program.event("ready");
  assert.equal(readFileSync(join(home, ".ssh", "known_hosts"), "utf8"), readFileSync(sshd.knownHostsFile, "utf8"));
  assert.equal(statSync(join(home, ".ssh")).mode & 0o777, 0o700);
});

/** Runs porthop until it is ready or has ended; `exit` is 0 after a SIGTERM when it was ready. */
async function attempt(sshd: Sshd, file: string, strict: string, more: readonly string[] = []) {
  const settings = ["-o", `StrictHostKeyChecking=${strict}`, "-o", `UserKnownHostsFile=${file}`, ...more];
  await using program = porthop(await words(sshd, settings));
  await Promise.race([program.event("ready").catch(() => {}), program.exit]);
  program.signal("SIGTERM");
  const { code, stderr } = await program.exit;
  return { exit: code, stderr, error: program.events.find(({ event }) => event === "error")?.code };
}

async function inTerminal(sshd: Sshd, file: string): Promise<Pty> {
  const { command, env, cwd } = launch(await words(sshd, ["-o", `UserKnownHostsFile=${file}`]));
  return pty(command, { env, cwd, columns: 300 });
}

/** As the kit's own arguments, but for the host key's. */
async function words({ host, port, user, keyFile }: Sshd, settings: readonly string[]): Promise<string[]> {
  const own = ["-o", "GlobalKnownHostsFile=/dev/null", "-o", "IdentitiesOnly=yes", "-i", keyFile, "-F", "none"];
  const forward = ["-L", `${await freePort()}:localhost:1`];
  return ["run", "--json", ...forward, ...settings, ...own, "-p", String(port), `${user}@${host}`];
}

/** An sshd whose key is not the one that `file` has. */
async function changedKey() {
  const before = await startSshd();
  const known = readFileSync(before.knownHostsFile, "utf8");
  const { port } = before;
  await before[Symbol.asyncDispose]();
  const file = freshFile();
  writeFileSync(file, known);
  return { sshd: await startSshd({ port }), file, known };
}

function freshFile(): string {
  return join(tempDirectory("known-hosts"), "known_hosts");
}

async function fingerprint(sshd: Sshd): Promise<string> {
  const told = await run("ssh-keygen", ["-lf", join(sshd.directory, "host_ed25519.pub")]);
  return told.stdout.split(" ")[1] ?? "";
}
