/** Who may log in with what: keys of every kind, an agent, passwords and questions; each thing tried once. */
import assert from "node:assert/strict";
import { chmodSync, copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { launch } from "../kit/launch.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { type PorthopOptions, porthop } from "../kit/porthop.ts";
import { type Pty, pty } from "../kit/pty.ts";
import { run } from "../kit/run.ts";
import { freePort } from "../kit/servers.ts";
import { startSshAgent } from "../kit/ssh-agent.ts";
import { makeSshKey, type SshServer, startSshServer } from "../kit/ssh-server.ts";
import { type KeyType, makeKey, type Sshd, startSshd } from "../kit/sshd.ts";
import { removeTemp, tempDirectory } from "../kit/temp.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen", "ssh-agent", "ssh-add", "script", "stty"), timeout: 60_000 };
const passphrase = "correct horse";
/** ssh-keygen's type and format. For ed25519 it knows its own format only. */
const kinds = [
  ["ed25519", "RFC4716"],
  ["ecdsa", "RFC4716"],
  ["ecdsa", "PEM"],
  ["ecdsa", "PKCS8"],
  ["rsa", "RFC4716"],
  ["rsa", "PEM"],
  ["rsa", "PKCS8"],
] as const;
const theKeys = shared(makeKeys);

for (const [type, format] of kinds) {
  test(`A key file of type ${type} in the format ${format} logs in, open or locked.`, limits, async () => {
    const { sshd, directory } = await theKeys();
    const file = join(directory, `${type}-${format}`);
    assert.equal(await logsIn(sshd, ["-i", file]), "ready");
    await using screen = await inTerminal(sshd, ["-i", `${file}-locked`]);
    await screen.screen(/Enter passphrase for key '.*-locked'/);
    screen.send(`${passphrase}\r`);
    await screen.screen(/ready/);
    assert.doesNotMatch(screen.text, /correct horse/);
  });
}

test(
  "With AddKeysToAgent whoever typed a passphrase is told that the key is not in the agent now.",
  limits,
  async () => {
    const { sshd, directory } = await theKeys();
    await using agent = await startSshAgent();
    const key = ["-i", join(directory, "ed25519-RFC4716-locked")];
    for (const [flags, tells] of [
      [["-o", "AddKeysToAgent=yes"], true],
      [["-o", "AddKeysToAgent=no"], false],
    ] as const) {
      await using screen = await inTerminal(sshd, [...key, ...flags], { SSH_AUTH_SOCK: agent.socket });
      await screen.screen(/Enter passphrase for key/);
      screen.send(`${passphrase}\r`);
      await screen.screen(/ready/);
      assert.equal(
        /AddKeysToAgent: porthop adds no keys to the agent; ssh-add \S+-locked does/.test(screen.text),
        tells,
      );
    }
  },
);

test("A wrong passphrase is asked for three times, and then the key is left out.", limits, async () => {
  const { sshd, directory } = await theKeys();
  await using screen = await inTerminal(sshd, ["-i", join(directory, "ed25519-RFC4716-locked")]);
  let mark = 0;
  for (let round = 0; round < 3; round++) {
    await screen.screen(/^Enter passphrase for key/m, { after: mark });
    mark = screen.send("wrong\r");
  }
  await screen.screen(/wrong passphrase for \S+-locked.*\[ssh\.auth-failed\]/s);
  assert.equal(await screen.exit, 255);
});

test("Without a terminal a locked key is named in the error, with a way out.", limits, async () => {
  const { sshd, directory } = await theKeys();
  const told = await logsIn(sshd, ["-i", join(directory, "ed25519-RFC4716-locked")]);
  assert.match(told, /^255 .*\[ssh\.auth-failed\].*locked by a passphrase.*ssh-add/s);
});

test("Without -i, the default files of ~/.ssh are tried.", limits, async () => {
  const { sshd, directory } = await theKeys();
  const home = tempDirectory("home");
  mkdirSync(join(home, ".ssh"), { mode: 0o700 });
  assert.match(await logsIn(sshd, [], { home }), /^255 .*\[ssh\.auth-failed\]/s);
  copyFileSync(join(directory, "ecdsa-PEM"), join(home, ".ssh", "id_ecdsa"));
  chmodSync(join(home, ".ssh", "id_ecdsa"), 0o600);
  assert.equal(await logsIn(sshd, [], { home }), "ready");
});

test("Keys of an agent log in, RSA ones too.", limits, async () => {
  const { sshd, directory } = await theKeys();
  for (const kind of ["ed25519-RFC4716", "rsa-PEM"]) {
    await using agent = await startSshAgent();
    await agent.add(join(directory, kind));
    assert.equal(await logsIn(sshd, [], { env: { SSH_AUTH_SOCK: agent.socket } }), "ready", kind);
    const named = ["-o", `IdentityAgent=${agent.socket}`];
    assert.equal(await logsIn(sshd, named), "ready", kind);
  }
});

test("With IdentitiesOnly the agent's other keys are not even offered.", limits, async () => {
  const { directory } = await theKeys();
  await using agent = await startSshAgent();
  const right = join(directory, "ecdsa-RFC4716");
  const other = join(directory, "ed25519-RFC4716");
  await agent.add(other, right);
  const env = { SSH_AUTH_SOCK: agent.socket };
  const publicKey = readFileSync(`${right}.pub`, "utf8");
  await using open = await startSshServer({ publicKey });
  assert.equal(await logsIn(open, [], { env }), "ready");
  assert.deepEqual(outcomes(open), ["none refused", "publickey refused", "publickey probed", "publickey accepted"]);
  await using strict = await startSshServer({ publicKey });
  const only = ["-o", "IdentitiesOnly=yes", "-i"];
  assert.equal(await logsIn(strict, [...only, `${right}.pub`], { env }), "ready");
  assert.deepEqual(outcomes(strict), ["none refused", "publickey probed", "publickey accepted"]);
  await using refusing = await startSshServer({ publicKey });
  assert.match(await logsIn(refusing, [...only, `${other}.pub`], { env }), /^255 .*\[ssh\.auth-failed\]/s);
  assert.deepEqual(outcomes(refusing), ["none refused", "publickey refused"]);
});

test("An agent that is gone does not keep a key file from being used.", limits, async () => {
  const { sshd, directory } = await theKeys();
  const env = { SSH_AUTH_SOCK: join(directory, "no-agent") };
  assert.equal(await logsIn(sshd, ["-i", join(directory, "ed25519-RFC4716")], { env }), "ready");
});

test("A password is asked for on the terminal, and not shown.", limits, async () => {
  await using server = await startSshServer({ user: "alice", password: "s3cret" });
  await using screen = await inTerminal(server, ["-l", "alice"]);
  await screen.screen(/alice@127\.0\.0\.1's password:/);
  screen.send("s3cret\r");
  await screen.screen(/ready/);
  assert.doesNotMatch(screen.text, /s3cret/);
  assert.deepEqual(outcomes(server), ["none refused", "password accepted"]);
});

test("A wrong password is asked for three times on one connection, then it is over.", limits, async () => {
  await using server = await startSshServer({ password: "s3cret" });
  await using screen = await inTerminal(server, ["-l", "alice"]);
  let mark = 0;
  for (let round = 0; round < 3; round++) {
    await screen.screen(/^alice@127\.0\.0\.1's password:/m, { after: mark });
    mark = screen.send("wrong\r");
  }
  await screen.screen(/\[ssh\.auth-failed\]/);
  assert.equal(await screen.exit, 255);
  assert.deepEqual(outcomes(server), ["none refused", ...Array(3).fill("password refused")]);
  assert.equal(server.counts.connections, 1);
});

test(
  "Keyboard-interactive asks in as many rounds as the server likes, and shows what may be shown.",
  limits,
  async () => {
    await using server = await startSshServer({
      rounds: [
        {
          title: "First",
          instructions: "Who are you?",
          prompts: [{ prompt: "Name:", echo: true }],
          answers: ["Alice"],
        },
        { prompts: [{ prompt: "Secret:" }, { prompt: "Token:" }], answers: ["s3cret", "424242"] },
      ],
    });
    await using screen = await inTerminal(server, ["-l", "alice"]);
    for (const [question, answer] of [
      [/Who are you\?.*\(alice@127\.0\.0\.1\) Name:/s, "Alice"],
      [/\(alice@127\.0\.0\.1\) Secret:/, "s3cret"],
      [/\(alice@127\.0\.0\.1\) Token:/, "424242"],
    ] as const) {
      await screen.screen(question);
      screen.send(`${answer}\r`);
    }
    await screen.screen(/ready/);
    assert.match(screen.text, /Alice/);
    assert.doesNotMatch(screen.text, /s3cret|424242/);
    assert.deepEqual(outcomes(server), ["none refused", "keyboard-interactive accepted"]);
  },
);

test("A server that wants a key and then a password gets both, in that order.", limits, async () => {
  const { directory } = await theKeys();
  const file = join(directory, "ecdsa-PEM");
  await using server = await startSshServer({
    publicKey: readFileSync(`${file}.pub`, "utf8"),
    password: "s3cret",
    require: ["publickey", "password"],
  });
  await using screen = await inTerminal(server, ["-i", file, "-l", "alice"]);
  await screen.screen(/password:/);
  screen.send("s3cret\r");
  await screen.screen(/ready/);
  assert.deepEqual(outcomes(server), ["none refused", "publickey probed", "publickey partial", "password accepted"]);
});

for (const [rule, what] of [
  [{ password: "s3cret" }, "password"],
  [{ rounds: [{ prompts: [{ prompt: "Token:" }], answers: ["1"] }] }, "keyboard-interactive"],
] as const) {
  test(`Without a terminal a login by ${what} fails at once, and says why.`, limits, async () => {
    await using server = await startSshServer(rule);
    const told = await logsIn(server, []);
    assert.match(told, /^255 .*\[ssh\.auth-failed\].*there is no terminal to ask on/s);
    assert.deepEqual([outcomes(server), server.counts.connections], [["none refused"], 1]);
  });
}

test("With BatchMode nobody is asked, though there is a terminal.", limits, async () => {
  await using server = await startSshServer({ password: "s3cret" });
  await using screen = await inTerminal(server, ["-o", "BatchMode=yes"]);
  await screen.screen(/BatchMode is on/);
  assert.equal(await screen.exit, 255);
  assert.doesNotMatch(screen.text, /password:/);
});

test("A failed login is tried once: one connection, and each key one time.", limits, async () => {
  const { directory } = await theKeys();
  await using server = await startSshServer({ publicKey: makeSshKey().public });
  const files = ["ed25519-RFC4716", "ecdsa-PEM", "rsa-PEM"].flatMap((name) => ["-i", join(directory, name)]);
  const told = await logsIn(server, [...files, ...files, "-l", "alice"]);
  assert.match(told, /^255 .*alice.*\[ssh\.auth-failed\]/s);
  assert.deepEqual(outcomes(server), ["none refused", ...Array(3).fill("publickey refused")]);
  assert.equal(server.counts.connections, 1);
});

test("A user's name is text, as -l 007, and -l is stronger than what stands before the @.", limits, async () => {
  for (const flags of [["-l", "007"], ["-l007"], ["-o", "User=007"]]) {
    await using server = await startSshServer();
    assert.equal(await logsIn(server, flags, {}, "somebody@"), "ready");
    assert.deepEqual(
      server.counts.attempts.map(({ user }) => user),
      ["007"],
    );
  }
});

/** What the server saw, without who it was. */
function outcomes(server: SshServer): string[] {
  return server.counts.attempts.map(({ method, outcome }) => `${method} ${outcome}`);
}

/** `ready`, or the exit code and what porthop said. */
async function logsIn(
  server: Server,
  flags: readonly string[],
  options: PorthopOptions = {},
  user?: string,
): Promise<string> {
  await using program = porthop(await words(server, flags, user), options);
  const ready = await Promise.race([program.event("ready").catch(() => undefined), program.exit.then(() => undefined)]);
  if (ready !== undefined) return "ready";
  const { code, stderr } = await program.exit;
  return `${code} ${stderr}`;
}

async function inTerminal(server: Server, flags: readonly string[], own: PorthopOptions["env"] = {}): Promise<Pty> {
  const { command, env, cwd } = launch(await words(server, flags), { env: own });
  return pty(command, { env, cwd, columns: 300 });
}

type Server = Pick<Sshd, "host" | "port" | "knownHostsFile">;

async function words(server: Server, flags: readonly string[], user = ""): Promise<string[]> {
  const forward = ["-L", `${await freePort()}:localhost:1`];
  const known = ["-o", `UserKnownHostsFile=${server.knownHostsFile}`, "-o", "GlobalKnownHostsFile=none"];
  return ["run", "--json", ...forward, ...flags, ...known, "-p", String(server.port), `${user}${server.host}`];
}

/** One key of each type, in each format, with and without a passphrase, and an sshd that takes them all. */
async function makeKeys() {
  const directory = tempDirectory("keys");
  const types: KeyType[] = ["ed25519", "ecdsa", "rsa"];
  const made = new Map(types.map((type) => [type, makeKey(join(directory, type), type)]));
  for (const [type, format] of kinds) {
    const file = join(directory, `${type}-${format}`);
    copyFileSync(`${made.get(type)}.pub`, `${file}.pub`);
    for (const [copy, locking] of [
      [file, ""],
      [`${file}-locked`, passphrase],
    ] as const) {
      copyFileSync(made.get(type) ?? "", copy);
      await convert(copy, format, locking);
    }
  }
  const authorizedKeys = [...made.values()].map((file) => readFileSync(`${file}.pub`, "utf8").trim());
  const sshd = await startSshd({ authorizedKeys });
  return {
    directory,
    sshd,
    async [Symbol.asyncDispose]() {
      await sshd[Symbol.asyncDispose]();
      removeTemp(directory);
    },
  };
}

async function convert(file: string, format: string, newPassphrase: string): Promise<void> {
  chmodSync(file, 0o600);
  const told = await run("ssh-keygen", ["-q", "-p", "-m", format, "-P", "", "-N", newPassphrase, "-f", file]);
  if (told.code !== 0) throw new Error(`ssh-keygen: ${told.stderr}`);
}
