import assert from "node:assert/strict";
import { chmodSync, copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { parsePublicKey } from "../../../../src/codec/keys/key-text.ts";
import { makeHome } from "../../../kit/identity-home.ts";
import { need } from "../../../kit/packages.ts";
import { run } from "../../../kit/run.ts";
import { makeKey } from "../../../kit/sshd.ts";

const limits = { skip: need("ssh-keygen"), timeout: 60_000 };

const blobOf = (file: string) => parsePublicKey(readFileSync(`${file}.pub`, "utf8"));

test("Without any named file the default ones are taken, in ssh's order", limits, async () => {
  using home = makeHome();
  makeKey(home.path("id_ed25519"));
  makeKey(home.path("id_rsa"), "rsa");
  const { files, unusable, publicBlobs } = await home.load();
  assert.deepEqual(
    files.map(({ label }) => label),
    ["~/.ssh/id_rsa", "~/.ssh/id_ed25519"],
  );
  assert.deepEqual(files[1]?.publicBlob, blobOf(home.path("id_ed25519")));
  assert.deepEqual([unusable.length, publicBlobs.length, home.log.lines.length], [0, 2, 0]);
});

test("Named files are taken instead of the default ones, those of -i first", limits, async () => {
  using home = makeHome();
  makeKey(home.path("id_ed25519"));
  const [one, two] = [makeKey(home.path("one")), makeKey(home.path("two"))];
  const { files } = await home.load([two], [one]);
  assert.deepEqual(
    files.map(({ label }) => label),
    ["~/.ssh/two", "~/.ssh/one"],
  );
  assert.deepEqual((await home.load([], ["none"])).files, []);
});

test("A missing -i file is warned of and forgotten, as ssh does: then the default ones are taken", limits, async () => {
  using home = makeHome();
  makeKey(home.path("id_ed25519"));
  const { files, unusable } = await home.load([home.path("typo")]);
  assert.deepEqual(
    files.map(({ label }) => label),
    ["~/.ssh/id_ed25519"],
  );
  assert.equal(unusable[0]?.reason, "missing");
  assert.equal(home.log.text, "warn identity file ~/.ssh/typo not accessible: no such file or directory");
  // One of the configuration that is missing stands for itself.
  assert.deepEqual((await home.load([], [home.path("typo")])).files, []);
});

test(
  "A private key that others can read is ignored with a warning, and still names an agent's key",
  limits,
  async () => {
    using home = makeHome();
    const file = makeKey(home.path("id_ed25519"));
    for (const mode of [0o644, 0o640, 0o604, 0o620]) {
      chmodSync(file, mode);
      const { files, unusable, publicBlobs } = await home.load();
      assert.deepEqual(files, []);
      assert.equal(unusable[0]?.reason, "permissions");
      assert.match(unusable[0]?.hint ?? "", /chmod 600 ~\/\.ssh\/id_ed25519/);
      assert.deepEqual(publicBlobs, [blobOf(file)]);
      assert.match(
        home.log.lines.at(-1) ?? "",
        new RegExp(`^warn unprotected private key file: permissions 0${mode.toString(8)}`),
      );
    }
    chmodSync(file, 0o400);
    assert.equal((await home.load()).files.length, 1);
  },
);

test(
  "The public part comes from the OpenSSH file itself, else from the .pub file, else it is not known",
  limits,
  async () => {
    using home = makeHome();
    const file = makeKey(home.path("locked"), "ecdsa", "secret");
    const publicBlob = blobOf(file);
    const pem = home.path("pem");
    copyFileSync(file, pem);
    await run("ssh-keygen", ["-q", "-p", "-m", "PEM", "-P", "secret", "-N", "secret", "-f", pem]);
    rmSync(`${file}.pub`);
    assert.deepEqual((await home.load([file])).files[0]?.publicBlob, publicBlob);
    assert.equal((await home.load([pem])).files[0]?.publicBlob, undefined);
    writeFileSync(`${pem}.pub`, `ecdsa-sha2-nistp256 ${publicBlob?.toString("base64")} me\n`);
    assert.deepEqual((await home.load([pem])).files[0]?.publicBlob, publicBlob);
  },
);

test(
  "A public key may be named where an agent has the private one, by itself or by the private one's name",
  limits,
  async () => {
    using home = makeHome();
    const file = makeKey(home.path("key"));
    for (const named of [`${file}.pub`, file]) {
      if (named === file) rmSync(file);
      const { files, publicBlobs } = await home.load([named]);
      assert.deepEqual([files[0]?.isPublic, publicBlobs], [true, [blobOf(file)]]);
    }
    assert.deepEqual(home.log.lines, []);
  },
);
