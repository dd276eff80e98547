import assert from "node:assert/strict";
import { homedir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ownUid } from "../../../src/config/current-user.ts";
import { readRunSettings } from "../../../src/config/run-settings.ts";
import { trustSettings } from "../../../src/config/trust-settings.ts";
import { memoryConfig } from "../../kit/memory-config.ts";

const trust = (...words: string[]) => trustSettings(readRunSettings([...words, "vishnu"]));
const home = (...names: string[]) => join(homedir(), ...names);

/** -o Keyword=value for each. */
const o = (...lines: string[]) => lines.flatMap((line) => ["-o", line]);

test("Without any setting trust is as ssh's.", () => {
  assert.deepEqual(trust(), {
    hostKeys: {
      strict: "ask",
      userFiles: [home(".ssh", "known_hosts"), home(".ssh", "known_hosts2")],
      globalFiles: ["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"],
      hostKeyAlias: undefined,
      revokedFiles: [],
      authoritySignatures: undefined,
      hashKnownHosts: false,
      update: "yes",
    },
    identities: {
      flagFiles: [],
      configFiles: [],
      usualFiles: ["id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk"].map((key) => home(".ssh", key)),
      certificateFiles: [],
      places: new Map(),
      home: homedir(),
      uid: ownUid(),
    },
    authentication: {
      pubkeyAuthentication: true,
      namesHost: true,
      passwordAuthentication: true,
      kbdInteractiveAuthentication: true,
      batchMode: false,
      acceptedAlgorithms: undefined,
      preferred: ["publickey", "keyboard-interactive", "password"],
      addsToAgent: false,
      identitiesOnly: false,
      passwordPrompts: 3,
    },
    identityAgent: "SSH_AUTH_SOCK",
    requiredRsaBits: 1024,
  });
});

test("Keywords fill it in, and ~ is the home.", () => {
  const { hostKeys, identities, authentication, identityAgent, requiredRsaBits } = trust(
    ...o("StrictHostKeyChecking=Accept-New", "UserKnownHostsFile=~/mine /other", "GlobalKnownHostsFile=~/all"),
    ...o(
      "HostKeyAlias=alias",
      "RevokedHostKeys=~/revoked /else",
      "CASignatureAlgorithms=ssh-ed25519",
      "HashKnownHosts=yes",
    ),
    ...["-i", "~/flag"],
    ...o("IdentityFile=~/one", "IdentityFile=/two", "CertificateFile=~/one-cert.pub"),
    ...o("PubkeyAuthentication=no", "PasswordAuthentication=no", "KbdInteractiveAuthentication=no", "BatchMode=yes"),
    ...o("PubkeyAcceptedAlgorithms=rsa-sha2-256", "PreferredAuthentications=password,publickey"),
    ...o("AddKeysToAgent=confirm", "IdentitiesOnly=yes", "NumberOfPasswordPrompts=1"),
    ...o("IdentityAgent=~/agent", "RequiredRSASize=2048"),
  );
  assert.deepEqual(hostKeys, {
    strict: "accept-new",
    userFiles: [home("mine"), "/other"],
    globalFiles: [home("all")],
    hostKeyAlias: "alias",
    revokedFiles: [home("revoked"), "/else"],
    authoritySignatures: ["ssh-ed25519"],
    hashKnownHosts: true,
    update: "no",
  });
  assert.deepEqual(
    [identities.flagFiles, identities.configFiles, identities.certificateFiles],
    [[home("flag")], [home("one"), "/two"], [home("one-cert.pub")]],
  );
  assert.deepEqual(authentication, {
    pubkeyAuthentication: false,
    namesHost: true,
    passwordAuthentication: false,
    kbdInteractiveAuthentication: false,
    batchMode: true,
    acceptedAlgorithms: ["rsa-sha2-256"],
    preferred: ["password", "publickey"],
    addsToAgent: true,
    identitiesOnly: true,
    passwordPrompts: 1,
  });
  assert.deepEqual([identityAgent, requiredRsaBits], [home("agent"), 2048]);
});

test("PubkeyAuthentication is yes, no, or a variant of yes in which signatures do not name the host.", () => {
  for (const [value, isOn, namesHost] of [
    ["true", true, true],
    ["host-bound", true, true],
    ["Unbound", true, false],
    ["False", false, true],
  ] as const) {
    const { authentication } = trust(...o(`PubkeyAuthentication=${value}`));
    assert.deepEqual([authentication.pubkeyAuthentication, authentication.namesHost], [isOn, namesHost], value);
  }
});

for (const [value, strict] of [
  ["yes", "yes"],
  ["true", "yes"],
  ["ASK", "ask"],
  ["no", "no"],
  ["off", "no"],
  ["false", "no"],
] as const) {
  test(`StrictHostKeyChecking=${value} is ${strict}.`, () => {
    assert.equal(trust(...o(`StrictHostKeyChecking=${value}`)).hostKeys.strict, strict);
  });
}

for (const [lines, update] of [
  [["UserKnownHostsFile=~/.ssh/known_hosts"], "yes"],
  [["UserKnownHostsFile=~/.ssh/known_hosts ~/own"], "no"],
  [["UserKnownHostsFile=~/own", "UpdateHostKeys=yes"], "yes"],
  [["UpdateHostKeys=ASK"], "ask"],
  [["UpdateHostKeys=true"], "yes"],
  [["UpdateHostKeys=false"], "no"],
] as const) {
  test(`With ${lines.join(" and ")} a server's other keys are learned: ${update}.`, () => {
    assert.equal(trust(...o(...lines)).hostKeys.update, update);
  });
}

test("A key file knows the line of the configuration that names it.", () => {
  const path = "/home/anna/.ssh/config";
  const files = memoryConfig({ [path]: "IdentityFile /one\nCertificateFile /one-cert.pub\n" });
  const { identities } = trustSettings(readRunSettings(["vishnu"], files));
  assert.deepEqual([...identities.places.keys()], ["/one", "/one-cert.pub"]);
  assert.match(identities.places.get("/one-cert.pub") ?? "", /config.*2/);
});
