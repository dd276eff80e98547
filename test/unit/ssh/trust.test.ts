import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { defaults } from "../../../src/config/defaults.ts";
import { loadSsh2 } from "../../../src/ssh/loader.ts";
import { trustFor } from "../../../src/ssh/trust.ts";
import { Answers } from "../../kit/answers.ts";
import { LogLines } from "../../kit/log-lines.ts";
import { makeSshKey, startSshServer } from "../../kit/ssh-server.ts";
import { folder, keyFile, logIn, never } from "../../kit/trust-login.ts";

const timeout = 30_000;

test("A known host and a key file are all that a login needs.", { timeout }, async () => {
  const { path, publicKey } = keyFile();
  await using server = await startSshServer({ user: "anna", publicKey });
  assert.equal((await logIn(server, { files: [path] })).error, undefined);
});

test("The types of the keys that are known are asked for first.", { timeout }, async () => {
  await using server = await startSshServer();
  const ask = trustFor(
    { host: server.host, port: server.port, user: "anna" },
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
    { log: new LogLines(), prompter: undefined, environment: {} },
  );
  const trust = await ask(await loadSsh2(), undefined, never);
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
