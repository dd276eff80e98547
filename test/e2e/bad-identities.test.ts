/** What is wrong with keys, certificates and agents that a configuration names: one line with the file and line that names it. */
import assert from "node:assert/strict";
import { chmodSync, copyFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, test } from "node:test";
import { certify } from "../kit/certificates.ts";
import { builtExecutable } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { porthop } from "../kit/porthop.ts";
import { makeKey, type Sshd, startSshd } from "../kit/sshd.ts";
import { removeTemp, tempDirectory } from "../kit/temp.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen"), timeout: 60_000 };
const directory = tempDirectory("bad-identities");
after(() => removeTemp(directory));
const authority = shared(async () => ({
  file: makeKey(join(directory, "authority")),
  async [Symbol.asyncDispose]() {},
}));
const theSshd = shared(async () => startSshd({ config: [`TrustedUserCAKeys ${(await authority()).file}.pub`] }));
let made = 0;

/** The lines come behind five others, for a host that is reached by its alias. */
async function attempt(sshd: Sshd, lines: readonly string[], env: Record<string, string> = {}) {
  const file = join(directory, `config${++made}`);
  const block = [`HostName ${sshd.host}`, `Port ${sshd.port}`, `User ${sshd.user}`];
  const known = `UserKnownHostsFile ${sshd.knownHostsFile}`;
  writeFileSync(file, ["Host web", ...block, known, ...lines, ""].join("\n"), { mode: 0o600 });
  await using program = porthop(["run", "-F", file, "web", "true"], { env });
  const { code, stderr } = await program.exit;
  return { code, stderr, where: `${file} line 6` };
}

test("A key that others can read.", limits, async () => {
  const sshd = await theSshd();
  const key = join(directory, "open");
  copyFileSync(sshd.keyFile, key);
  chmodSync(key, 0o644);
  const { code, stderr, where } = await attempt(sshd, [`IdentityFile ${key}`]);
  const [warning, error, hint] = stderr.split("\n");
  assert.equal(
    warning,
    `porthop: warning: ${where}: unprotected private key file: permissions 0644 of ${key} let others read it, so it is ignored`,
  );
  assert.match(error ?? "", /\[ssh\.auth-failed\]$/);
  assert.match(hint ?? "", new RegExp(`chmod 600 ${key}`));
  assert.equal(code, 255);
});

test("A key that is not there, and one that is none.", limits, async () => {
  const sshd = await theSshd();
  const nothing = join(directory, "nothing");
  const missing = await attempt(sshd, [`IdentityFile ${nothing}`]);
  assert.match(missing.stderr, new RegExp(`${missing.where}: identity file ${nothing} not accessible: no such file`));
  const text = join(directory, "text");
  writeFileSync(text, "no key\n", { mode: 0o600 });
  const none = await attempt(sshd, [`IdentityFile ${text}`]);
  assert.match(none.stderr, new RegExp(`${none.where}: cannot use the key ${text}: `));
});

for (const [what, options, flaw] of [
  ["that has expired", { validity: "20200101:20200102" }, "it expired on 2020-01-02T"],
  ["for another user", { principals: ["alice"] }, "it is for alice, not for "],
] as const) {
  test(`A certificate ${what}.`, limits, async () => {
    const sshd = await theSshd();
    const key = makeKey(join(directory, `user${++made}`));
    const { file } = await authority();
    const certificate = await certify(key, { authority: file, principals: [sshd.user], ...options });
    const named = await attempt(sshd, [`CertificateFile ${certificate}`, `IdentityFile ${key}`]);
    assert.equal(named.code, 255);
    assert.match(named.stderr, /\[ssh\.auth-failed\]$/m);
    assert.ok(named.stderr.includes(`the certificate ${certificate} (${named.where}): ${flaw}`), named.stderr);
    const beside = await attempt(sshd, [`IdentityFile ${key}`]);
    assert.ok(beside.stderr.includes(`the certificate ${certificate}: ${flaw}`), beside.stderr);
  });
}

test("A certificate that is none.", limits, async () => {
  const sshd = await theSshd();
  const { stderr, where } = await attempt(sshd, [
    `CertificateFile ${sshd.keyFile}.pub`,
    `IdentityFile ${sshd.keyFile}`,
  ]);
  assert.ok(
    stderr.includes(`cannot use the certificate ${sshd.keyFile}.pub (${where}): it is not a certificate`),
    stderr,
  );
});

test("An agent that hangs is given up after a time, with its socket, and the key file logs in.", limits, async () => {
  const sshd = await theSshd();
  const socket = join(directory, "agent");
  const server = createServer(() => {});
  server.listen(socket);
  const started = performance.now();
  const { code, stderr } = await attempt(sshd, [`IdentityAgent ${socket}`, `IdentityFile ${sshd.keyFile}`]);
  assert.equal(code, 0, stderr);
  assert.ok(performance.now() - started < 30_000);
  assert.equal(stderr.trimEnd().split("\n").length, 1, stderr);
  assert.ok(stderr.startsWith("porthop: warning: going on without ssh-agent: "), stderr);
  assert.ok(stderr.includes(socket), stderr);
  server.close();
});
