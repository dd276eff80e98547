import assert from "node:assert/strict";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { recognizeKey } from "../../../../src/codec/keys/key-text.ts";
import { Malformed } from "../../../../src/codec/malformed.ts";
import { loadSsh2 } from "../../../../src/ssh/loader.ts";
import { openPrivateKey, WrongPassphrase } from "../../../../src/ssh/login/private-key.ts";
import { shared } from "../../../kit/lifetime.ts";
import { opensshes } from "../../../kit/openssh.ts";
import { need } from "../../../kit/packages.ts";
import { run } from "../../../kit/run.ts";
import { currentRuntime } from "../../../kit/runtime.ts";
import { removeTemp, tempDirectory } from "../../../kit/temp.ts";

const limits = { skip: need("ssh-keygen", "openssl"), timeout: 60_000 };
const passphrase = "correct horse";

interface Generated {
  readonly file: string;
  readonly publicBlob: Buffer;
  readonly passphrase: string | undefined;
}

async function tool(command: string, ...args: string[]): Promise<void> {
  const { code, stderr } = await run(command, args);
  assert.equal(code, 0, stderr);
}

const kinds = { rsa: "2048", "ecdsa-256": "256", "ecdsa-384": "384", "ecdsa-521": "521", ed25519: "" };

/** Keys of every kind in every format that ssh-keygen and openssl write. */
const keys = shared(async () => {
  const folder = tempDirectory("private-key");
  const generated: Generated[] = [];
  for (const [kind, bits] of Object.entries(kinds)) {
    const base = join(folder, kind);
    const size = bits === "" ? [] : ["-b", bits];
    await tool("ssh-keygen", "-q", "-t", kind.replace(/-.*/, ""), ...size, "-N", "", "-C", "", "-f", base);
    const publicBlob = Buffer.from(readFileSync(`${base}.pub`, "utf8").split(" ")[1] ?? "", "base64");
    for (const format of ["RFC4716", "PEM", "PKCS8"]) {
      for (const secret of [undefined, passphrase]) {
        const file = `${base}.${format}.${secret === undefined ? "open" : "locked"}`;
        copyFileSync(base, file);
        await tool("ssh-keygen", "-q", "-p", "-m", format, "-a", "1", "-P", "", "-N", secret ?? "", "-f", file);
        generated.push({ file, publicBlob, passphrase: secret });
      }
    }
  }
  for (const cipher of ["aes128-cbc", "aes256-gcm@openssh.com"]) {
    const file = join(folder, `ed25519.${cipher}`);
    copyFileSync(join(folder, "ed25519"), file);
    await tool("ssh-keygen", "-q", "-p", "-Z", cipher, "-a", "1", "-P", "", "-N", passphrase, "-f", file);
    generated.push({ file, publicBlob: blobOf("ed25519"), passphrase });
  }
  function blobOf(kind: string): Buffer {
    return Buffer.from(readFileSync(join(folder, `${kind}.pub`), "utf8").split(" ")[1] ?? "", "base64");
  }
  return { folder, generated, [Symbol.asyncDispose]: async () => removeTemp(folder) };
});

test(
  "Keys of every kind and format, open and locked, are opened and sign what their public part verifies",
  limits,
  async () => {
    const ssh2 = await loadSsh2();
    const { generated } = await keys();
    assert.equal(generated.length, 32);
    const data = Buffer.from("data to be signed");
    for (const { file, publicBlob, passphrase } of generated) {
      const text = readFileSync(file, "utf8");
      assert.equal(recognizeKey(text).locked, passphrase !== undefined, file);
      const key = openPrivateKey(ssh2, text, passphrase);
      assert.ok(key.blob.equals(publicBlob), file);
      const verifier = ssh2.utils.parseKey(publicBlob);
      assert.ok(!(verifier instanceof Error));
      for (const hash of file.includes("rsa") ? ["sha1", "sha256", "sha512"] : [undefined]) {
        assert.equal(verifier.verify(data, key.sign(data, hash), hash), true, `${file} ${hash}`);
      }
    }
  },
);

test("A wrong passphrase is told from a damaged key, in every format", limits, async () => {
  const ssh2 = await loadSsh2();
  const { generated } = await keys();
  const locked = generated.filter((key) => key.passphrase !== undefined);
  assert.equal(locked.length, 17);
  for (const { file } of locked) {
    const text = readFileSync(file, "utf8");
    assert.throws(() => openPrivateKey(ssh2, text, "wrong"), WrongPassphrase, file);
  }
});

test("An Ed25519 key in PKCS#8, which ssh2 does not read, is opened", limits, async () => {
  const ssh2 = await loadSsh2();
  const { folder } = await keys();
  const open = join(folder, "openssl.open");
  const locked = join(folder, "openssl.locked");
  await tool("openssl", "genpkey", "-algorithm", "ed25519", "-out", open);
  await tool("openssl", "pkcs8", "-topk8", "-in", open, "-out", locked, "-passout", `pass:${passphrase}`);
  const fromOpen = openPrivateKey(ssh2, readFileSync(open, "utf8"));
  const fromLocked = openPrivateKey(ssh2, readFileSync(locked, "utf8"), passphrase);
  assert.deepEqual(fromOpen.blob, fromLocked.blob);
  const verifier = ssh2.utils.parseKey(fromOpen.blob);
  assert.ok(!(verifier instanceof Error));
  assert.equal(verifier.verify(Buffer.from("data"), fromLocked.sign(Buffer.from("data"), undefined)), true);
  assert.throws(() => openPrivateKey(ssh2, readFileSync(locked, "utf8"), "wrong"), WrongPassphrase);
});

test(
  "A passphrase that is kept in an unknown way is not said to be wrong, and how to give it anew is",
  limits,
  async () => {
    const ssh2 = await loadSsh2();
    const { folder } = await keys();
    const chacha = join(folder, "ed25519.chacha");
    copyFileSync(join(folder, "ed25519"), chacha);
    const secret = ["-a", "1", "-P", "", "-N", passphrase];
    await tool("ssh-keygen", "-q", "-p", "-Z", "chacha20-poly1305@openssh.com", ...secret, "-f", chacha);
    const files = [chacha];
    for (const ways of [["-scrypt"], ["-v2", "aes256", "-v2prf", "hmacWithSHA512"]]) {
      const file = join(folder, `rsa${ways.join("")}`);
      const open = join(folder, "rsa.PKCS8.open");
      await tool("openssl", "pkcs8", "-topk8", ...ways, "-in", open, "-out", file, "-passout", `pass:${passphrase}`);
      files.push(file);
    }
    const hint = /^Malformed: its passphrase is kept in a way .* anew with ssh-keygen -p -Z aes256-ctr -f FILE$/;
    // Deno opens some of them.
    for (const file of currentRuntime === "bun" ? files : []) {
      assert.throws(() => openPrivateKey(ssh2, readFileSync(file, "utf8"), passphrase), hint, file);
    }
    await tool("ssh-keygen", "-q", "-p", "-Z", "aes256-ctr", "-P", passphrase, "-N", passphrase, "-f", chacha);
    assert.ok(openPrivateKey(ssh2, readFileSync(chacha, "utf8"), passphrase));
  },
);

test("A key that SSH does not have, and a damaged one, are refused with a reason", limits, async () => {
  const ssh2 = await loadSsh2();
  const { folder } = await keys();
  const x25519 = join(folder, "x25519");
  await tool("openssl", "genpkey", "-algorithm", "x25519", "-out", x25519);
  assert.throws(() => openPrivateKey(ssh2, readFileSync(x25519, "utf8")), Malformed);
  const damaged = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEG\n-----END PRIVATE KEY-----\n";
  assert.throws(() => openPrivateKey(ssh2, damaged), Malformed);
  const whole = readFileSync(join(folder, "ed25519.RFC4716.open"), "utf8");
  const lines = whole.split("\n");
  lines.splice(-4, 1);
  assert.throws(() => openPrivateKey(ssh2, lines.join("\n")), Malformed);
});

/** What people do to a key file: `ssh-keygen -y` of each OpenSSH is the judge. */
const changes: Readonly<Record<string, (key: string, other: string) => string>> = {
  "as it is": (key) => key,
  "text behind it": (key) => `${key}# my key\n`,
  "text behind it without a newline": (key) => `${key}my key`,
  "text before it": (key) => `# my key\n${key}`,
  "a blank line before it": (key) => `\n${key}`,
  "a blank before it": (key) => ` ${key}`,
  "lines that end with CR LF": (key) => key.replaceAll("\n", "\r\n"),
  "lines that end with CR": (key) => key.replaceAll("\n", "\r"),
  "no newline at the end": (key) => key.trimEnd(),
  "a byte order mark": (key) => `\ufeff${key}`,
  "a blank behind the BEGIN line": (key) => key.replace("-----\n", "----- \n"),
  "a blank behind the END line": (key) => `${key.trimEnd()} \n`,
  "text behind the END line": (key) => `${key.trimEnd()} mine\n`,
  "blanks at the ends of all lines": (key) => key.replaceAll("\n", " \n"),
  "lines that are indented": (key) => key.replaceAll(/^(?=.)/gm, "  "),
  "another key behind it": (key, other) => `${key}${other}`,
  "a certificate before it": (key) => `${x509}${key}`,
  "a certificate behind it": (key) => `${key}${x509}`,
  "attributes before it": (key) => `Bag Attributes\n    localKeyID: 01\n${key}`,
  "all in one line": (key) => key.replaceAll("\n", ""),
  "no END line": (key) => key.replace(/-----END.*\n/, ""),
  "another END line": (key) => key.replace(/END .*-----/, "END OF FILE-----"),
  "a letter that is none of base64": (key) => key.replace(/(\n.{10})./, "$1!"),
};

const x509 = `-----BEGIN CERTIFICATE-----\n${"MIIB".repeat(16)}\n-----END CERTIFICATE-----\n`;

test("A key file that ssh-keygen reads is read, whatever stands around the key", limits, async () => {
  const { folder, generated } = await keys();
  const ssh2 = await loadSsh2();
  const open = generated.filter(({ passphrase: secret, file }) => secret === undefined && /rsa|256|ed/.test(file));
  const other = readFileSync(join(folder, "rsa"), "utf8");
  const file = join(folder, "changed");
  const more = new Set<string>();
  for (const [how, change] of Object.entries(changes)) {
    for (const key of open) {
      const text = change(readFileSync(key.file, "utf8"), other);
      writeFileSync(file, text, { mode: 0o600 });
      const opened = opens(ssh2, text);
      for (const { sshKeygen, version } of opensshes()) {
        const { code } = await run(sshKeygen, ["-y", "-P", "", "-f", file]);
        if (code === 0) assert.deepEqual(opened, key.publicBlob, `${key.file} with ${how}, as OpenSSH ${version}`);
        else if (opened !== undefined) more.add(how);
      }
    }
  }
  assert.ok(!["all in one line", "no END line", "another END line"].some((how) => more.has(how)), [...more].join());
});

test("The parameters that openssl writes before an EC key are passed over", limits, async () => {
  const { folder } = await keys();
  const file = join(folder, "parameters");
  await tool("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-out", file);
  const text = readFileSync(file, "utf8");
  assert.match(text, /BEGIN EC PARAMETERS/);
  const { stdout } = await run("ssh-keygen", ["-y", "-P", "", "-f", file]);
  assert.equal(opens(await loadSsh2(), text)?.toString("base64"), stdout.split(" ")[1]?.trim());
});

function opens(ssh2: Awaited<ReturnType<typeof loadSsh2>>, text: string): Buffer | undefined {
  try {
    return openPrivateKey(ssh2, text).blob;
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}
