import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fingerprint } from "../../../../src/codec/keys/fingerprint.ts";
import { matchesHost, parseKnownHosts } from "../../../../src/codec/keys/known-hosts.ts";
import { writeStrings } from "../../../../src/codec/ssh-string.ts";
import { appendKnownHost } from "../../../../src/ssh/host/known-hosts-file.ts";
import { Answers, ctrlC } from "../../../kit/answers.ts";
import { type CertificateFields, writeCertificate } from "../../../kit/certificate-blob.ts";
import { type Case, ed25519, folder, freshPath, knownHosts, load, other, text } from "../../../kit/host-keys-scene.ts";
import { LogLines } from "../../../kit/log-lines.ts";
import { refusal } from "../../../kit/refusal.ts";
import { tempDirectory } from "../../../kit/temp.ts";

const rsa = writeStrings("ssh-rsa", Buffer.from([1, 0, 1]), Buffer.alloc(256, 3));
const ecdsa = writeStrings("ecdsa-sha2-nistp256", "nistp256", Buffer.alloc(65, 4));

test("A key known for the host without its port is accepted on that port too, as ssh does", async () => {
  const path = knownHosts(`vishnu ${text(ed25519)}`);
  await (await load(path, { port: 2222, strict: "yes" })).verify(ed25519);
  assert.equal((await refusal((await load(path, { port: 2222 })).verify(other))).code, "ssh.host-key-unknown");
});

test("Without a terminal an unknown key is an error with its fingerprint and the line to add", async () => {
  for (const strict of ["ask", "yes"] as const) {
    const path = knownHosts();
    const error = await refusal((await load(path, { strict, port: 2222 })).verify(ed25519));
    assert.equal(error.code, "ssh.host-key-unknown");
    assert.ok(error.message.includes("[vishnu]:2222"), error.message);
    assert.ok(error.message.includes(`ED25519 key ${fingerprint(ed25519)}`), error.message);
    assert.ok(error.hint.includes(path), error.hint);
    // The line, put into the file, makes the key known.
    const line = /: (\[vishnu\]:2222 .*)$/.exec(error.hint)?.[1] ?? "";
    writeFileSync(path, `${line}\n`);
    await (await load(path, { strict, port: 2222 })).verify(ed25519);
  }
});

test("A changed key is refused with the old line and the way to remove it, whatever the setting and the terminal", async () => {
  for (const strict of ["yes", "accept-new", "ask", "no"] as const) {
    const path = knownHosts("# mine", `vishnu,brahma ${text(other)}`);
    const hostKeys = await load(path, { strict, prompter: new Answers("yes") });
    const error = await refusal(hostKeys.verify(ed25519));
    assert.equal(error.code, "ssh.host-key-changed");
    assert.ok(error.message.includes(`${path}:2`), error.message);
    assert.ok(error.message.includes(fingerprint(ed25519)) && error.message.includes(fingerprint(other)));
    assert.ok(error.hint.includes(`ssh-keygen -f ${path} -R vishnu`), error.hint);
    assert.ok(!readFileSync(path, "utf8").includes(ed25519.toString("base64")));
  }
});

test("A key of another type than the known ones is a changed key, as for ssh", async () => {
  const error = await refusal((await load(knownHosts(`vishnu ${text(other)}`), { strict: "no" })).verify(rsa));
  assert.equal(error.code, "ssh.host-key-changed");
});

test("A revoked key is refused, also when it is known elsewhere", async () => {
  const path = knownHosts(`vishnu ${text(ed25519)}`, `@revoked * ${text(ed25519)}`);
  for (const strict of ["no", "yes"] as const) {
    const error = await refusal((await load(path, { strict })).verify(ed25519));
    assert.equal(error.code, "ssh.host-key-revoked");
    assert.ok(error.message.includes(`${path}:2`), error.message);
  }
});

test("A certificate authority's key is no host key, and the error says what porthop cannot check", async () => {
  const path = knownHosts(`@cert-authority * ${text(ed25519)}`);
  const error = await refusal((await load(path)).verify(ed25519));
  assert.equal(error.code, "ssh.host-key-unknown");
  assert.ok(error.message.includes(`${path}:1`), error.message);
});

test("With a terminal the question is ssh's, and yes or the fingerprint itself adds the key", async () => {
  for (const answers of [["yes"], ["YES"], ["what", "yes"], [fingerprint(ed25519)], [`  ${fingerprint(ed25519)} `]]) {
    const path = knownHosts(`brahma ${text(ed25519)}`);
    const prompter = new Answers(...answers);
    const log = new LogLines();
    await (await load(path, { prompter, log })).verify(ed25519);
    const shown = prompter.text;
    assert.ok(shown.includes("The authenticity of host 'vishnu (10.0.0.2)' can't be established."), shown);
    assert.ok(shown.includes(`ED25519 key fingerprint is ${fingerprint(ed25519)}.`), shown);
    assert.ok(shown.includes(`${path}:1: brahma`), shown);
    assert.ok(shown.includes("(yes/no/[fingerprint])? "), shown);
    assert.equal(prompter.shown.length, answers.length + 1);
    assert.equal(readFileSync(path, "utf8"), `brahma ${text(ed25519)}\nvishnu ${text(ed25519)}\n`);
    assert.equal(log.lines.length, 1);
    await (await load(path, { strict: "yes" })).verify(ed25519);
  }
});

test("No, nothing or another fingerprint does not accept the key", async () => {
  for (const answers of [["no"], [""], [fingerprint(other), "no"]]) {
    const path = knownHosts();
    const error = await refusal((await load(path, { prompter: new Answers(...answers) })).verify(ed25519));
    assert.equal(error.code, "ssh.host-key-unknown");
    assert.equal(readFileSync(path, "utf8"), "");
  }
});

test("Ctrl-C at the question cancels", async () => {
  const prompter = new Answers(ctrlC);
  assert.equal((await refusal((await load(knownHosts(), { prompter })).verify(ed25519))).code, "cancelled");
});

test("accept-new and no add an unknown key without a question; the file and its folder are made private", async () => {
  for (const strict of ["accept-new", "no"] as const) {
    const own = freshPath();
    const path = join(own, "known_hosts");
    await (await load(path, { strict, prompter: new Answers() })).verify(ed25519);
    assert.equal(readFileSync(path, "utf8"), `vishnu ${text(ed25519)}\n`);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(statSync(own).mode & 0o777, 0o700);
  }
});

test("A line is added after a last line that has no end", async () => {
  const path = knownHosts();
  writeFileSync(path, `brahma ${text(other)}`);
  await (await load(path, { strict: "accept-new" })).verify(ed25519);
  assert.equal(readFileSync(path, "utf8"), `brahma ${text(other)}\nvishnu ${text(ed25519)}\n`);
});

test("Lines added at the same time by many are all there", async () => {
  const path = join(freshPath(), "known_hosts");
  const names = Array.from({ length: 50 }, (_, index) => `host-${index}`);
  await Promise.all(names.map((name) => appendKnownHost(path, `${name} ${text(ed25519)}`, () => false)));
  const { entries, unreadable } = parseKnownHosts(readFileSync(path, "utf8"));
  assert.deepEqual(unreadable, []);
  for (const name of names)
    assert.ok(
      entries.some((entry) => matchesHost(entry, name)),
      name,
    );
});

test("A new key that several sessions accept at the same time is one line, hashed or not", async () => {
  for (const hashKnownHosts of [false, true]) {
    const path = knownHosts();
    const log = new LogLines();
    const settings = { strict: "accept-new", hashKnownHosts, log } as const;
    const sessions = await Promise.all(Array.from({ length: 10 }, () => load(path, settings)));
    await Promise.all(sessions.map((hostKeys) => hostKeys.verify(ed25519)));
    assert.equal(parseKnownHosts(readFileSync(path, "utf8")).entries.length, 1);
    assert.equal(log.lines.length, 1, log.lines.join("\n"));
  }
});

test("Two keys for one new host at the same time: the second is a changed key", async () => {
  const path = knownHosts();
  const [first, second] = await Promise.all([load(path, { strict: "no" }), load(path, { strict: "no" })]);
  await first.verify(ed25519);
  const error = await refusal(second.verify(other));
  assert.deepEqual([error.code, error.message.includes(`${path}:1 has ED25519`)], ["ssh.host-key-changed", true]);
  assert.equal(readFileSync(path, "utf8"), `vishnu ${text(ed25519)}\n`);
});

test("A file that cannot be written is a warning: the key was accepted all the same, for this run", async () => {
  const path = freshPath();
  mkdirSync(path);
  const log = new LogLines();
  const hostKeys = await load(path, { strict: "accept-new", log });
  await hostKeys.verify(ed25519);
  await hostKeys.verify(ed25519);
  assert.equal(log.lines.filter((line) => line.startsWith("warn cannot read")).length, 1);
  assert.equal(log.lines.filter((line) => line.startsWith("warn cannot add vishnu")).length, 1);
  // In the same run another key is a changed one, though no file says so.
  const error = await refusal(hostKeys.verify(other));
  assert.equal(error.code, "ssh.host-key-changed");
  assert.ok(error.message.includes("earlier in this run"), error.message);
});

test("Missing files are empty, none is no file, and /dev/null takes everything", async () => {
  const log = new LogLines();
  const absent = join(folder, "missing", "known_hosts");
  await refusal((await load(absent, { log })).verify(ed25519));
  await (await load("none", { strict: "accept-new", log })).verify(ed25519);
  assert.deepEqual(log.lines, []);
  assert.ok(!existsSync(absent) && !existsSync("none"));
  await (await load("/dev/null", { strict: "no", log })).verify(ed25519);
  assert.equal(log.lines.length, 1);
});

test("A file that cannot be read is a warning", async () => {
  const log = new LogLines();
  // A folder: root may read whatever has lost its permissions.
  await load(tempDirectory(), { log });
  assert.match(log.text, /warn cannot read known hosts from .*is a directory/);
});

test("Known types are asked for first, RSA by all its algorithms", async () => {
  const known = async (...lines: string[]) => (await load(knownHosts(...lines))).knownAlgorithms;
  assert.deepEqual(await known(), []);
  assert.deepEqual(await known(`vishnu ${text(rsa, "ssh-rsa")}`), ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"]);
  assert.deepEqual(await known(`vishnu ${text(ecdsa, "ecdsa-sha2-nistp256")}`, `vishnu ${text(ed25519)}`), [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
  ]);
  assert.deepEqual(await known(`@revoked vishnu ${text(ed25519)}`, `brahma ${text(ed25519)}`), []);
});

test("HostKeyAlias stands for host and port", async () => {
  const path = knownHosts(`cluster ${text(ed25519)}`);
  await (await load(path, { host: "node-7", port: 2222, hostKeyAlias: "Cluster", strict: "yes" })).verify(ed25519);
});

test("An alias that would match other hosts as a plain name is written hashed", async () => {
  const path = knownHosts();
  await (await load(path, { hostKeyAlias: "*", strict: "accept-new" })).verify(ed25519);
  assert.match(readFileSync(path, "utf8"), /^\|1\|/);
});

test("A host key that cannot be read is a protocol error", async () => {
  const error = await refusal((await load(knownHosts(), { strict: "no" })).verify(Buffer.from("nonsense")));
  assert.equal(error.code, "ssh.protocol");
});

test("Control characters in a file's names are never shown raw", async () => {
  const prompter = new Answers("no");
  await refusal((await load(knownHosts(`evil\u001b[2J ${text(ed25519)}`), { prompter })).verify(ed25519));
  assert.ok(!prompter.text.includes("\u001b"));
  assert.ok(prompter.text.includes("evil\\x1b[2J"));
});

test("A certificate of a trusted authority is accepted whatever its key, and the host is not trusted for updates", async () => {
  const { blob, authority } = certified({ principals: ["vishnu"] });
  const path = knownHosts(`@cert-authority *.example,vishnu ${text(authority)}`, `vishnu ${text(other)}`);
  const hostKeys = await load(path, { strict: "yes", port: 22 });
  assert.equal(hostKeys.hasAuthority, true);
  await hostKeys.verify(blob);
  assert.equal(hostKeys.isTrusted, false);
});

test("A certificate that does not do leaves the decision to its plain key, with a word", async () => {
  const { blob, key, authority } = certified({ principals: ["brahma"] });
  const line = `@cert-authority vishnu ${text(authority)}`;
  const log = new LogLines();
  const error = await refusal((await load(knownHosts(line), { strict: "yes", log })).verify(blob));
  assert.equal(error.code, "ssh.host-key-unknown");
  assert.match(error.message, /its certificate cannot be used: it is for brahma, not for vishnu$/);
  assert.ok(error.hint.includes(text(key)));
  assert.match(log.text, /^warn vishnu: its certificate cannot be used/);
  await (await load(knownHosts(line, `vishnu ${text(key)}`), { strict: "yes" })).verify(blob);
});

test("A host is trusted for updates by the user's own files or by a person, and by nothing else", async () => {
  const known = knownHosts(`vishnu ${text(ed25519)}`);
  const trusted = async (path: string, settings: Case) => {
    const hostKeys = await load(path, settings);
    await hostKeys.verify(ed25519);
    return hostKeys.isTrusted;
  };
  assert.equal(await trusted(known, { strict: "yes" }), true);
  assert.equal(await trusted(knownHosts(), { strict: "yes", globalFiles: [known] }), false);
  assert.equal(await trusted(knownHosts(), { strict: "accept-new" }), false);
  assert.equal(await trusted(knownHosts(), { prompter: new Answers("yes") }), true);
});

/** A host certificate for an Ed25519 key, signed by an authority of its own. */
function certified(fields: CertificateFields) {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const x = Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url");
  const authority = writeStrings("ssh-ed25519", x);
  const own = { role: "host", publicKey: Buffer.alloc(32, 9), authority, signWith: privateKey } as const;
  return { blob: writeCertificate({ ...own, ...fields }), key: writeStrings("ssh-ed25519", own.publicKey), authority };
}
