import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { defaults } from "../../../src/config/defaults.ts";
import type { PorthopError } from "../../../src/errors.ts";
import { loadSsh2 } from "../../../src/ssh/loader.ts";
import { Session } from "../../../src/ssh/session.ts";
import { establishTrust, type TrustSettings } from "../../../src/ssh/trust.ts";
import { Answers } from "../../kit/answers.ts";
import { LogLines } from "../../kit/log-lines.ts";
import { need } from "../../kit/packages.ts";
import { startSshAgent } from "../../kit/ssh-agent.ts";
import { makeSshKey, type SshServer, startSshServer } from "../../kit/ssh-server.ts";
import { tellingTo } from "../../kit/telling.ts";
import { removeTemp, tempDirectory } from "../../kit/temp.ts";

const timeout = 30_000;
const withAgent = { skip: need("ssh-agent", "ssh-add"), timeout };
const never = new AbortController().signal;
const folder = tempDirectory("trust");
after(() => removeTemp(folder));

let made = 0;

function keyFile() {
  const key = makeSshKey();
  const path = join(folder, `key-${++made}`);
  writeFileSync(path, key.private, { mode: 0o600 });
  return { path, publicKey: key.public };
}

interface Case {
  readonly batchMode?: boolean;
  readonly strict?: TrustSettings["hostKeys"]["strict"];
  readonly knownHosts?: string;
  readonly files?: readonly string[];
  readonly identityAgent?: string;
  readonly environment?: NodeJS.ProcessEnv;
  readonly prompter?: Answers;
  readonly signal?: AbortSignal;
}

/** Logs in as anna with a trust made of these, and leaves again. Gives the error, if it failed, and what was logged. */
async function logIn(server: SshServer, options: Case = {}) {
  const log = new LogLines();
  const { prompter, environment = {}, signal = never } = options;
  const settings: TrustSettings = {
    hostKeys: {
      strict: options.strict ?? "ask",
      userFiles: [options.knownHosts ?? server.knownHostsFile],
      globalFiles: [],
      hashKnownHosts: false,
    },
    identities: { flagFiles: options.files ?? [], configFiles: ["none"], usualFiles: [], home: folder },
    authentication: {
      pubkeyAuthentication: true,
      passwordAuthentication: true,
      kbdInteractiveAuthentication: true,
      batchMode: options.batchMode ?? false,
      identitiesOnly: false,
      preferred: defaults.preferredAuthentications,
      passwordPrompts: defaults.passwordPrompts,
    },
    identityAgent: options.identityAgent ?? defaults.identityAgent,
    requiredRsaBits: defaults.requiredRsaBits,
  };
  const connecting = Session.connect(
    {
      host: server.host,
      port: server.port,
      user: "anna",
      connectTimeoutMs: 10_000,
      handshakeTimeoutMs: 10_000,
      attempts: 1,
      keepAliveIntervalMs: 0,
      keepAliveCountMax: 0,
      algorithms: {},
    },
    {
      trust: (ssh2, address) =>
        establishTrust(ssh2, { host: server.host, port: server.port, user: "anna", address }, settings, {
          log,
          prompter,
          environment,
          signal,
        }),
      ...tellingTo(),
    },
    signal,
  );
  const error = await connecting.then(
    async (session) => {
      await session.close();
      return undefined;
    },
    (thrown: unknown) => thrown as PorthopError,
  );
  return { error, log };
}

test("A known host and a key file are all that a login needs.", { timeout }, async () => {
  const { path, publicKey } = keyFile();
  await using server = await startSshServer({ user: "anna", publicKey });
  assert.equal((await logIn(server, { files: [path] })).error, undefined);
});

test("The types of the keys that are known are asked for first.", { timeout }, async () => {
  await using server = await startSshServer();
  const trust = await establishTrust(
    await loadSsh2(),
    { host: server.host, port: server.port, user: "anna", address: undefined },
    {
      hostKeys: { strict: "yes", userFiles: [server.knownHostsFile], globalFiles: [], hashKnownHosts: false },
      identities: { flagFiles: [], configFiles: ["none"], usualFiles: [], home: folder },
      authentication: {
        pubkeyAuthentication: true,
        passwordAuthentication: true,
        kbdInteractiveAuthentication: true,
        batchMode: true,
        identitiesOnly: false,
        preferred: defaults.preferredAuthentications,
        passwordPrompts: defaults.passwordPrompts,
      },
      identityAgent: defaults.identityAgent,
      requiredRsaBits: defaults.requiredRsaBits,
    },
    { log: new LogLines(), prompter: undefined, environment: {}, signal: never },
  );
  assert.deepEqual(trust.hostKeyTypes, ["ssh-ed25519"]);
});

test("A host with another key than the known one is not trusted, and no key of ours is tried on it.", {
  timeout,
}, async () => {
  const { path, publicKey } = keyFile();
  await using server = await startSshServer({ publicKey });
  const knownHosts = join(folder, "known_hosts");
  writeFileSync(knownHosts, `[${server.host}]:${server.port} ${makeSshKey().public}\n`);
  const { error } = await logIn(server, { files: [path], knownHosts, strict: "no" });
  assert.equal(error?.code, "ssh.host-key-changed");
  assert.deepEqual(server.counts.attempts, []);
});

test("A person is asked about the host and for the password.", { timeout }, async () => {
  await using server = await startSshServer({ user: "anna", password: "s3cret" });
  const prompter = new Answers("yes", "s3cret");
  const { error, log } = await logIn(server, { prompter, knownHosts: join(folder, "new_hosts") });
  assert.equal(error, undefined);
  assert.deepEqual(
    prompter.shown.map(({ how }) => how),
    ["inform", "ask", "secret"],
  );
  assert.doesNotMatch(log.text + prompter.text, /s3cret/);
});

test("With BatchMode nobody is asked, for the host nor for a password.", { timeout }, async () => {
  await using server = await startSshServer({ password: "s3cret" });
  const prompter = new Answers();
  const unknown = await logIn(server, { prompter, batchMode: true, knownHosts: join(folder, "other_hosts") });
  assert.equal(unknown.error?.code, "ssh.host-key-unknown");
  const refused = await logIn(server, { prompter, batchMode: true });
  assert.equal(refused.error?.code, "ssh.auth-failed");
  assert.match(refused.error?.hint ?? "", /BatchMode is on/);
  assert.deepEqual(prompter.shown, []);
});

test("A login that fails says what was tried, and what the server would take.", { timeout }, async () => {
  const { path } = keyFile();
  await using server = await startSshServer({ publicKey: makeSshKey().public });
  const { error } = await logIn(server, { files: [path] });
  assert.deepEqual([error?.code, error?.leg], ["ssh.auth-failed", 2]);
  assert.match(error?.message ?? "", /refused the login of "anna".*key-\d+.*the server takes publickey/);
});

test(
  "The agent of the environment is asked, another one with IdentityAgent, and none with IdentityAgent none.",
  withAgent,
  async () => {
    const { path, publicKey } = keyFile();
    await using agent = await startSshAgent();
    await agent.add(path);
    await using server = await startSshServer({ publicKey });
    const fromEnvironment = { environment: { SSH_AUTH_SOCK: agent.socket } };
    assert.equal((await logIn(server, fromEnvironment)).error, undefined);
    assert.equal((await logIn(server, { identityAgent: agent.socket })).error, undefined);
    assert.equal((await logIn(server, { ...fromEnvironment, identityAgent: "none" })).error?.code, "ssh.auth-failed");
    assert.equal((await logIn(server)).error?.code, "ssh.auth-failed", "without either there is no agent");
  },
);
